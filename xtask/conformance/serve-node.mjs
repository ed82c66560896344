// Gates in front of an origin, each a server of its own, as a Node.js service would put one there.
//
// usage: node serve-node.mjs PATH_OF_INSTALLED_PACKAGE CONFIG
//
// CONFIG is a file with {"worlds": [{"policy", "keys", "feeds", "leeway"}], "origin": "http://127.0.0.1:PORT",
// "nowFile"}, where the latter holds the time in seconds. Prints {"ports": […]} once all listen.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [installed, config] = process.argv.slice(2);
const { Gate } = await import(pathToFileURL(resolve(installed, 'node.js')).href);
const { worlds, origin, nowFile } = JSON.parse(readFileSync(config, 'utf8'));
const now = () => BigInt(readFileSync(nowFile, 'latin1').trim()) * 1000n;

/** A gate that knows what it would have fetched. */
async function gateOf({ policy, keys, feeds, leeway }) {
  const options = { policy, feeds, leeway: BigInt(leeway), offline: true, now };
  return Gate.load({ ...options, keys: keys ?? undefined }).catch((error) => {
    // Of keys none of which can be used, a gate that fetched them would have none either.
    if (error.reason !== 'no_usable_key') throw error;
    return Gate.load(options);
  });
}

/** The header lines as they came, without those of the decision, and then its own. */
function cleaned(rawHeaders, { remove, set }) {
  const kept = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (!remove.includes(rawHeaders[index].toLowerCase())) kept.push(rawHeaders[index], rawHeaders[index + 1]);
  }
  return [...kept, ...set.flat()];
}

async function handle(gate, req, res) {
  const { method, url, rawHeaders } = req;
  const decision = await gate.decideFresh({ method, target: url, headers: rawHeaders });
  if (!decision.isAllowed) {
    const { status, headers, body } = decision.answer;
    res.writeHead(status, headers).end(body);
    return;
  }
  const { hostname, port } = new URL(origin);
  const headers = cleaned(rawHeaders, decision);
  const onward = ask({ hostname, port, method, path: url, headers, setHost: false }, (answer) => {
    res.writeHead(answer.statusCode, answer.rawHeaders);
    answer.pipe(res);
  });
  onward.on('error', () => res.writeHead(502).end());
  req.pipe(onward);
}

const ports = await Promise.all(worlds.map(async (world) => {
  const gate = await gateOf(world);
  const server = createServer((req, res) => {
    handle(gate, req, res).catch(() => res.writeHead(503).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}));
console.log(JSON.stringify({ ports }));
