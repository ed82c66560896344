// What the built Worker's gate decides, inside workerd, about lines of JSON on standard input: those
// of verifier-wasm/worker/src/line.rs. Prints what `signet decide` prints for each.
//
//     node decide-worker.mjs WORKERD BUILD < lines > decisions
//
// BUILD is the folder with index.js and index_bg.wasm that is deployed. A second Worker, bound to it,
// calls its `decideLine`; so the module under test is loaded as it is.

import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";

const CALLER = `export default {
  async fetch(request, env) {
    const decisions = [];
    for (const line of (await request.text()).split("\\n")) decisions.push(await env.GATE.decideLine(line));
    return new Response(decisions.join("\\n"));
  },
};`;

/// How many lines are put at once.
const BATCH = 500;

const [workerd, build] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), "signet-decide-"));
let runtime;
try {
  const lines = (await text(process.stdin)).split("\n").filter((line) => line !== "");
  runtime = await start();
  for (let first = 0; first < lines.length; first += BATCH) {
    const body = lines.slice(first, first + BATCH).join("\n");
    const response = await fetch(runtime.url, { method: "POST", body });
    if (!response.ok) throw new Error(`${response.status} for lines from ${first + 1}`);
    process.stdout.write(`${await response.text()}\n`);
  }
} finally {
  runtime?.process.kill();
  await rm(folder, { recursive: true });
}

async function start() {
  await writeFile(join(folder, "caller.js"), CALLER);
  await writeFile(join(folder, "config.capnp"), config());
  const process = spawn(workerd, ["serve", "--control-fd=3", "--import-path=/", "config.capnp"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const { port } = await listening(process.stdio[3]);
  return { process, url: `http://127.0.0.1:${port}` };
}

function config() {
  const file = (name) => JSON.stringify(resolve(build, name));
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [ (name = "gate", worker = .gate), (name = "caller", worker = .caller) ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "caller") ],
);
const gate :Workerd.Worker = (
  modules = [
    (name = "index.js", esModule = embed ${file("index.js")}),
    (name = "index_bg.wasm", wasm = embed ${file("index_bg.wasm")}),
  ],
  compatibilityDate = "2026-04-01",
);
const caller :Workerd.Worker = (
  modules = [ (name = "caller.js", esModule = embed "caller.js") ],
  compatibilityDate = "2026-04-01",
  bindings = [ (name = "GATE", service = "gate") ],
);
`;
}

// What workerd tells once it listens.
async function listening(control) {
  control.setEncoding("utf8");
  let told = "";
  for await (const chunk of control) {
    told += chunk;
    const line = told.split("\n").slice(0, -1).find((line) => line.includes('"listen"'));
    if (line !== undefined) return JSON.parse(line);
  }
  throw new Error("workerd ended before it listened");
}
