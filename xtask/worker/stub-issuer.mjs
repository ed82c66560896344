// An issuer for tests, which signs with the key `main` of vectors/ and misbehaves when it is told to.
//
// GET /.well-known/jwks.json and /.well-known/signet-revocations answer in the mode that was set last.
// POST /control takes {keys?, feed?, revoked?, ahead?}: modes, session ids, seconds its clock is ahead.
// POST /sign takes claims, and answers a token. GET /counts tells how often each document was asked for.

import { createHash, createPrivateKey, createPublicKey, sign } from "node:crypto";
import { createServer } from "node:http";

const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");
const seed = Buffer.alloc(32, 101);
const key = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
const { x } = createPublicKey(key).export({ format: "jwk" });
const jwks = { keys: [{ kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig", kid: "main", x }] };

const ISSUER = "https://auth.example.com";
let state = { keys: "good", feed: "good", revoked: [], ahead: 0 };
let seq = 1;
const counts = { keys: 0, feed: 0 };

const now = () => Math.floor(Date.now() / 1000) + state.ahead;

function signed(typ, claims) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const input = `${encode({ alg: "EdDSA", kid: "main", typ })}.${encode(claims)}`;
  return `${input}.${sign(null, Buffer.from(input), key).toString("base64url")}`;
}

function token(claims) {
  const iat = now();
  const usual = { iss: ISSUER, aud: "agents-api", sub: "usr_1", sid: "ses_1", client_id: "web", jti: "jti_1" };
  return signed("at+jwt", { ...usual, iat, exp: iat + 600, ...claims });
}

function feed() {
  const prefixes = state.revoked.map((sid) => createHash("sha256").update(sid).digest().subarray(0, 8));
  const e = Buffer.concat(prefixes.sort(Buffer.compare)).toString("base64url");
  const iat = now();
  return signed("signet-rev+jwt", { iss: ISSUER, iat, exp: iat + 30, epoch: 1, seq, e, u: [], k: [] });
}

const MODES = {
  good: (response, document) => response.end(document()),
  rubbish: (response) => response.end("<html>not found</html>"),
  huge: (response) => response.end(Buffer.alloc(8 << 20, "x")),
  endless: (response) => {
    const more = () => {
      while (!response.destroyed && response.write(Buffer.alloc(1 << 16, "x")));
      response.once("drain", more);
    };
    more();
  },
  redirect: (response) => response.writeHead(302, { location: "/control" }).end(),
  error: (response) => response.writeHead(500).end(),
  absent: (response) => response.writeHead(404).end(),
  down: (response) => response.destroy(),
  slow: (response, document) => setTimeout(() => response.end(document()), 600),
  hanging: () => {},
  // For keys: the one that it signs with is there no more.
  withdrawn: (response) => response.end(JSON.stringify({ keys: [{ ...jwks.keys[0], kid: "other" }] })),
};

async function body(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return JSON.parse(text);
}

const server = createServer(async (request, response) => {
  switch (request.url.split("?")[0]) {
    case "/.well-known/jwks.json":
      counts.keys += 1;
      return MODES[state.keys](response, () => JSON.stringify(jwks));
    case "/.well-known/signet-revocations":
      counts.feed += 1;
      return MODES[state.feed](response, feed);
    case "/control": {
      const change = request.method === "POST" ? await body(request) : {};
      if (change.revoked !== undefined) seq += 1;
      state = { ...state, ...change };
      return response.end("{}");
    }
    case "/sign":
      return response.end(JSON.stringify({ token: token(await body(request)) }));
    case "/counts":
      return response.end(JSON.stringify(counts));
    default:
      return response.writeHead(404).end();
  }
});

// RFC 6455: the answer to a key, and a text frame without a mask.
server.on("upgrade", (request, socket) => {
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  const switching = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n";
  const who = Buffer.from(request.headers["x-signet-sub"]);
  socket.write(`${switching}sec-websocket-accept: ${accept}\r\n\r\n`);
  socket.write(Buffer.concat([Buffer.from([0x81, who.length]), who]));
});

server.listen(Number(process.argv[2]), "127.0.0.1");
