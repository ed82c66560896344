// A page in Chromium, whose modules come from folders by HTTP.
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

import { launch } from '../interop/chromium.mjs';

const TYPES = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };

/**
 * Opens an empty page and has something done with it. `folders` are served by the first segment of
 * the path. `open` gets the page and its origin.
 */
export async function inBrowser(executablePath, folders, open) {
  const server = createServer((req, res) => {
    const [, name, ...rest] = normalize(new URL(req.url, 'http://localhost').pathname).split('/');
    res.setHeader('content-security-policy', "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src *");
    if (name === '') return res.setHeader('content-type', 'text/html').end('<!doctype html><title>test</title>');
    if (!(name in folders)) return res.writeHead(404).end();
    const path = join(folders[name], ...rest);
    res.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream');
    createReadStream(path).on('error', () => res.writeHead(404).end()).pipe(res);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const browser = await launch(executablePath);
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(String(error)));
    const origin = `http://127.0.0.1:${server.address().port}`;
    await page.goto(`${origin}/`);
    return await open(page, origin);
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}
