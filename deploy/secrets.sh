#!/bin/sh
# Makes the secrets of compose.yaml, once, in deploy/secrets. As root, for the issuer reads what is
# its user's alone.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir secrets || { echo "deploy/secrets is there: its master key must not be lost" >&2; exit 1; }
cd secrets

openssl rand -base64 32 | tr '+/' '-_' | tr -d '=' > master-key
password=$(openssl rand -hex 24)
printf %s "$password" > postgres-password
cat > signet.toml <<END
# The network between the two is theirs alone.
database_url = "postgres://signet:$password@postgres/signet?sslmode=disable"
smtp_url = "smtp://mail:1025"
END

# The mail server shows a good certificate, like any other: of an authority that nobody else knows.
key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650"
openssl req -x509 $key -subj "/CN=mail authority" -keyout mail-authority.key -out mail-authority.pem
openssl req -x509 $key -subj /CN=mail -addext subjectAltName=DNS:mail \
  -addext basicConstraints=critical,CA:FALSE \
  -CA mail-authority.pem -CAkey mail-authority.key -keyout mail.key -out mail.pem
rm mail-authority.key

# Mounted one by one: nobody gets at them but through this folder, which is root's.
chmod 444 mail-authority.pem mail.pem postgres-password
chmod 400 master-key signet.toml mail.key
chown 65532:65532 master-key signet.toml
