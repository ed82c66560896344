"""A real SMTP server with TLS that misbehaves when it is told to.

usage: python mail_server.py PORT starttls|implicit FOLDER

It makes an authority and certificates of its own in FOLDER: `authority.pem` is what a client is to
trust. How it behaves stands in FOLDER/mode, read at every connection and command; the first word:

    good             takes what it gets
    slow SECONDS     answers each command after so long
    hang-up          closes each connection before a word
    refuse-machine   554 instead of a greeting
    busy             450 to each recipient
    greylist         450 to each recipient the first time
    refuse           550 to each recipient
    busy-message     451 to each message once it is there
    refuse-message   554 to each message once it is there
    refuse-sender    550 to each sender
    refuse-login     535 to whoever signs in
    cut              takes each message, and closes before it says so, the first time
    stripped         doesn't offer STARTTLS
    454              offers STARTTLS and has none
    expired, another-name, stranger
                     shows a certificate that has expired, is of another host, or of an authority
                     that nobody knows

What it takes goes into FOLDER/mail/NUMBER.eml; FOLDER/clear gets every byte that comes outside of
TLS, and FOLDER/connections a line for each connection.
"""

import asyncio
import datetime
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

port, transport, folder = int(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
mail = folder / "mail"
NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def mode():
    words = (folder / "mode").read_text().split()
    return words or ["good"]


def write(path, *parts):
    path.write_bytes(b"".join(parts))


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def issue(key, name, issuer, issuer_key, is_authority=False, until=NOW + DAY):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 30 * DAY)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    )
    if not is_authority:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key or key, hashes.SHA256())


def kept():
    """The authority's key."""
    file = folder / "authority.key"
    if file.exists():
        return serialization.load_pem_private_key(file.read_bytes(), None)
    made = ec.generate_private_key(ec.SECP256R1())
    write(file, private(made))
    return made


def private(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def contexts():
    """A context for each certificate. The authority stays the same when the server starts again."""

    def key():
        return ec.generate_private_key(ec.SECP256R1())

    ours, strange = kept(), key()
    authority = issue(ours, "authority", None, None, is_authority=True)
    stranger = issue(strange, "stranger", None, None, is_authority=True)
    if not (folder / "authority.pem").exists():
        write(folder / "authority.pem", pem(authority))
    made = {}
    for name, host, issuer, issuer_key, until in [
        ("good", "localhost", authority, ours, NOW + DAY),
        ("expired", "localhost", authority, ours, NOW - DAY),
        ("another-name", "mail.example.net", authority, ours, NOW + DAY),
        ("stranger", "localhost", stranger, strange, NOW + DAY),
    ]:
        own = key()
        certificate = issue(own, host, issuer.subject, issuer_key, until=until)
        file = folder / f"{name}.pem"
        write(file, private(own), pem(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        made[name] = context
    return made


class Handler:
    count = len(list(mail.iterdir()))
    seen = set()

    async def pause(self):
        name, *rest = mode()
        if name == "slow":
            await asyncio.sleep(float(rest[0]))

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        await self.pause()
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        await self.pause()
        if mode()[0] == "refuse-sender":
            return "550 5.7.1 this sender may not"
        envelope.mail_from = address
        return "250 2.1.0 go on"

    async def handle_RCPT(self, server, session, envelope, address, options):
        await self.pause()
        name = mode()[0]
        is_first = address not in Handler.seen
        if name == "busy" or (name == "greylist" and is_first):
            Handler.seen.add(address)
            return f"450 4.2.0 <{address}> come again"
        if name == "refuse":
            return f"550 5.1.1 <{address}> is nobody"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 go on"

    async def handle_DATA(self, server, session, envelope):
        await self.pause()
        if mode()[0] == "busy-message":
            return "451 4.3.0 not now"
        if mode()[0] == "refuse-message":
            return "554 5.6.0 not this"
        Handler.count += 1
        part = mail / f"{Handler.count}.part"
        write(part, envelope.original_content)
        part.rename(mail / f"{Handler.count}.eml")
        to = envelope.rcpt_tos[0]
        if mode()[0] == "cut" and to not in Handler.seen:
            Handler.seen.add(to)
            server.transport.abort()
            return "421 never said"
        return "250 2.0.0 taken"


class Server(SMTP):
    def connection_made(self, transport):
        if transport.get_extra_info("ssl_object") is None or not self.is_met:
            self.is_met = True
            meet()
            if mode()[0] == "hang-up":
                transport.abort()
                return
            if mode()[0] == "refuse-machine":
                transport.write(b"554 5.7.1 not from there\r\n")
                transport.close()
                return
        super().connection_made(transport)

    def data_received(self, data):
        if self.transport is None or self.transport.get_extra_info("ssl_object") is None:
            with (folder / "clear").open("ab") as file:
                file.write(data)
        super().data_received(data)

    async def smtp_STARTTLS(self, arg):
        if mode()[0] == "454":
            await self.push("454 4.7.0 TLS not available")
        else:
            await super().smtp_STARTTLS(arg)

    is_met = False


def meet():
    with (folder / "connections").open("a") as file:
        file.write(f"{mode()[0]}\n")


def authenticate(server, session, envelope, mechanism, data):
    known = (data.login, data.password) == (b"signet", b"hidden p@ss")
    known = known and mode()[0] != "refuse-login"
    return AuthResult(success=known, handled=known)


async def main():
    made = contexts()
    loop = asyncio.get_running_loop()

    def context():
        return made.get(mode()[0], made["good"])

    def serve():
        offered = transport == "starttls" and mode()[0] != "stripped"
        return Server(
            Handler(),
            hostname="localhost",
            tls_context=context() if offered else None,
            require_starttls=offered,
            authenticator=authenticate,
            auth_require_tls=False,
            loop=loop,
        )

    if transport == "starttls":
        listener = await loop.create_server(serve, "127.0.0.1", port)
        await listener.serve_forever()
    # One context for all connections of a listener: the certificate is chosen when a name is asked.
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    plain.load_cert_chain(folder / "good.pem")
    # Who came before would be shown no certificate.
    plain.num_tickets = 0

    def choose(connection, _name, _context):
        connection.context = context()
        # Who doesn't like what it is shown leaves before there is a connection to be made.
        if connection.context is not made["good"]:
            meet()

    plain.sni_callback = choose
    listener = await loop.create_server(serve, "127.0.0.1", port, ssl=plain)
    await listener.serve_forever()


asyncio.run(main())
