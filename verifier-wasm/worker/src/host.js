// What only the runtime can do. Nothing is decided here: src/host.rs says what each function is for.
//
// Texts cross into Wasm one at a time and at a price, so each function takes or gives as few as it
// can, with NUL between them: it can be in no method, URL or header.

// Whoever comes from outside is redirected by hand already, so a copy of such a request is as well.
const MANUAL = { redirect: "manual" };

export function head(request) {
  let text = request.method + "\0" + request.url;
  for (const [name, value] of request.headers) text += "\0" + name + "\0" + value;
  return text;
}

export const now = () => BigInt(Date.now());

export function forward(request, env, changes) {
  const [url, removed, ...set] = changes.split("\0");
  const forwarded = new Request(url === "" ? request : url, url === "" ? MANUAL : request);
  const { headers } = forwarded;
  if (removed !== "") for (const name of removed.split(",")) headers.delete(name);
  setAll(headers, set);
  return url === "" ? env.ORIGIN.fetch(forwarded) : fetch(forwarded);
}

export function answer(status, headers, body) {
  const response = new Response(body, { status });
  setAll(response.headers, headers.split("\0"));
  return response;
}

export async function get(url, headers, mostBytes, timeout) {
  const request = new Request(url, { redirect: "manual", cache: "no-store" });
  setAll(request.headers, headers.split("\0"));
  const response = await fetch(request, { signal: AbortSignal.timeout(timeout) });
  const body = await read(response, mostBytes);
  return [response.status, response.headers.get("etag") ?? undefined, body];
}

// The body, or nothing if it is longer. What is beyond that isn't read.
async function read(response, mostBytes) {
  const chunks = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function setAll(headers, pairs) {
  for (let i = 0; i < pairs.length; i += 2) headers.set(pairs[i], pairs[i + 1]);
}
