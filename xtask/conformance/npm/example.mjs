// The example `examples/node-api`, whose copy is in the folder `node-api` beside this.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { Issuer } from './issuer.mjs';

const issuer = await Issuer.start();
const port = String(20_000 + (process.pid % 20_000));
const env = { ...process.env, ISSUER: issuer.url, PORT: port };
const server = spawn(process.execPath, ['node-api/server.mjs'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
try {
  await once(server.stdout, 'data');
  const status = async (path, token) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    return (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status;
  };
  const [anyone, admin] = [[], ['admin']].map((roles) => issuer.token({ aud: 'signet', roles }));
  for (const [path, token, expected] of [
    ['/health', undefined, 200],
    ['/whoami', undefined, 401],
    ['/whoami', anyone, 200],
    ['/agents', anyone, 403],
    ['/agents', admin, 200],
    ['/elsewhere', admin, 403],
  ]) {
    assert.equal(await status(path, token), expected, path);
  }
} finally {
  server.kill();
  issuer.stop();
}
