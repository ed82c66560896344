// The refresh token in its cookie, as a real browser keeps it: what the application of docs/BROWSERS.md
// can do with it, and what no page of another origin can.
//
// usage: node cookies.mjs STAGE
//        (JSON: chromium, profile, publicKey, issuer, app, sibling, alien, email, password)
import assert from 'node:assert/strict';

import { ATTEMPTS, FORMS, attempt, submit } from './attempts.mjs';
import { launchIn } from './chromium.mjs';
import { Traffic } from './traffic.mjs';

const stage = JSON.parse(process.argv[2]);
const { issuer, app, email, password } = stage;
const REFRESH = '__Host-signet-refresh';
const DEVICE = '__Host-signet-device';
const YEAR = 31_536_000;

let browser;

/** A browser with the profile of the one before. All names lead to this machine. */
async function open() {
  browser = await launchIn(stage.profile, stage.chromium, ['--no-proxy-server',
    '--host-resolver-rules=MAP *.test 127.0.0.1', `--ignore-certificate-errors-spki-list=${stage.publicKey}`]);
}

/** Has something done in a tab of its own, whose traffic with the issuer is watched. */
async function inTab(address, visit) {
  const page = await browser.newPage();
  const traffic = await Traffic.of(page, issuer);
  await page.goto(address);
  const done = await visit(page, traffic);
  await page.close();
  return done;
}

/** Calls what the document's module exports. */
const call = (page, name, ...given) =>
  page.evaluate(async ([name, given]) => (await import('/session.js'))[name](...given), [name, given]);

/** The cookies of a name that the browser would bring along to the issuer. */
const found = async (name) => (await browser.cookies(issuer)).filter((cookie) => cookie.name === name);

/** The refresh token in its cookie; nothing where there is none. */
async function kept() {
  const [cookie, ...more] = await found(REFRESH);
  assert.deepEqual(more, []);
  return cookie?.value;
}

/** The refresh token that a request brought along. */
const brought = ({ asked }) =>
  (asked.cookie ?? '').split('; ').find((pair) => pair.startsWith(`${REFRESH}=`))?.slice(REFRESH.length + 1);

async function logIn() {
  await inTab(app, async (page, traffic) => {
    const answered = page.waitForResponse((answer) => answer.url() === `${issuer}/v1/login`);
    const token = await call(page, 'logIn', email, password);
    assert.equal(token.split('.').length, 3, 'an access token');
    const answer = await (await answered).json();
    assert.ok(!('refresh_token' in answer), 'no script sees the refresh token');
    for (const [name, age] of [[REFRESH, answer.refresh_expires_in], [DEVICE, YEAR]]) {
      const [{ value, expires, ...attributes }] = await found(name);
      assert.ok(value.length > 20);
      assert.ok(Math.abs(expires - Date.now() / 1_000 - age) < 60, `${name} lives for ${age} seconds`);
      assert.deepEqual(attributes, { name, domain: new URL(issuer).hostname, path: '/', httpOnly: true, secure: true, sameSite: 'Strict' });
    }
    const preflight = await traffic.last('OPTIONS', '/v1/login');
    assert.equal(preflight.asked['access-control-request-method'], 'POST');
    assert.equal(preflight.asked['access-control-request-headers'], 'content-type');
    assert.equal(preflight.asked.cookie, undefined);
    assert.equal(preflight.status, 200);
    const allowed = (name) => preflight.answer[`access-control-${name}`];
    assert.equal(allowed('allow-origin'), app);
    assert.equal(allowed('allow-credentials'), 'true');
    assert.match(allowed('allow-methods'), /\bPOST\b/);
    assert.match(allowed('allow-headers'), /\bcontent-type\b/);
    assert.equal(allowed('max-age'), '600');
    const login = await traffic.last('POST', '/v1/login');
    assert.equal(login.asked['sec-fetch-site'], 'same-site');
    assert.equal(login.answer['access-control-allow-origin'], app);
    assert.match(login.answer.vary, /\borigin\b/i);
  });
}

async function noScriptHasIt() {
  const before = await kept();
  const host = new URL(issuer).hostname;
  for (const address of [app, stage.sibling, `${issuer}/verify`]) {
    await inTab(address, async (page) => {
      const seen = await page.evaluate(async () => [document.cookie, await cookieStore.getAll()]);
      assert.deepEqual(seen, ['', []], address);
      for (const attributes of ['', `; Domain=${host}`, `; Domain=${new URL(app).hostname}`]) {
        await page.evaluate((text) => { document.cookie = text; }, `${REFRESH}=mine; Path=/; Secure${attributes}`);
      }
    });
  }
  assert.equal(await kept(), before, 'nobody overwrites it');
}

async function refreshAndReload() {
  await inTab(app, async (page, traffic) => {
    const seen = new Set([await kept()]);
    for (const times of [2, 3, 4]) {
      await call(page, 'refresh');
      const refresh = await traffic.last('POST', '/v1/token/refresh');
      assert.equal(refresh.status, 200);
      assert.equal(seen.has(brought(refresh)), true, 'it brings what the browser kept');
      seen.add(await kept());
      assert.equal(seen.size, times, 'each refresh brings the next token');
      await page.reload();
    }
    const preflights = await traffic.of('OPTIONS', '/v1/token/refresh');
    assert.equal(preflights.length, 1, 'a preflight is good for a while');
  });
}

async function theBrowserIsStartedAgain() {
  const before = await kept();
  await browser.close();
  await open();
  assert.equal(await kept(), before);
  await inTab(app, (page) => call(page, 'refresh'));
}

/** Without a lock between the tabs, until both did bring the same token. */
async function twoTabsAtOnce() {
  await inTab(app, (one, trafficOfOne) => inTab(app, async (other, trafficOfOther) => {
    const refresh = (page) => page.evaluate(async (url) => {
      const headers = { 'content-type': 'application/json' };
      return (await fetch(url, { method: 'POST', credentials: 'include', headers, body: '{}' })).status;
    }, `${issuer}/v1/token/refresh`);
    let shared = 0;
    for (let round = 0; round < 12 && shared < 3; round += 1) {
      assert.deepEqual(await Promise.all([one, other].map(refresh)), [200, 200]);
      const sent = [trafficOfOne, trafficOfOther].map((traffic) => traffic.last('POST', '/v1/token/refresh'));
      const [first, second] = (await Promise.all(sent)).map(brought);
      shared += first === second ? 1 : 0;
      assert.notEqual(await kept(), first);
    }
    assert.ok(shared > 0, 'both brought the same token once');
    assert.deepEqual(await Promise.all([one, other].map(refresh)), [200, 200], 'both go on');
  }));
}

/** As the document does it: one tab after the other. */
async function tabsTakeTurns() {
  await inTab(app, (one, trafficOfOne) => inTab(app, async (other, trafficOfOther) => {
    await Promise.all([one, other, one, other, one, other].map((page) => call(page, 'refresh')));
    const sent = [trafficOfOne, trafficOfOther].map((traffic) => traffic.of('POST', '/v1/token/refresh'));
    const tokens = (await Promise.all(sent)).flat().map(brought);
    assert.equal(tokens.length, 6);
    assert.equal(new Set(tokens).size, 6, 'no token is brought twice');
  }));
}

/** What others send comes without the cookie, or is refused because of it, and nobody reads the answer. */
async function othersGetNowhere() {
  for (const [origin, comesAlong] of [[stage.sibling, true], [stage.alien, false]]) {
    const before = await kept();
    const check = (request, what) => {
      assert.equal(brought(request), comesAlong ? before : undefined, `${what}: the cookie`);
      assert.equal(request.status === 403, comesAlong, `${what}: ${request.status}`);
      assert.ok([401, 403, 415].includes(request.status), `${what}: ${request.status}`);
      assert.equal(request.answer['set-cookie'], undefined, what);
      assert.equal(request.answer['access-control-allow-origin'], undefined, what);
    };
    for (const [name, { path, isPreflighted, options }] of Object.entries(ATTEMPTS)) {
      const what = `${name} from ${origin}`;
      await inTab(origin, async (page, traffic) => {
        const got = await attempt(page, `${issuer}${path}`, options);
        assert.equal(got, options.mode === 'no-cors' ? 'opaque 0 ""' : 'TypeError', what);
        if (!isPreflighted) return check(await traffic.last('POST', path), what);
        const preflight = await traffic.last('OPTIONS', path);
        assert.equal(preflight.answer['access-control-allow-origin'], undefined, what);
        return assert.deepEqual(await traffic.of('POST', path), [], `${what} is never sent`);
      });
    }
    for (const [name, form] of Object.entries(FORMS)) {
      await inTab(origin, async (page, traffic) => {
        await submit(page, `${issuer}${form.path}`, form);
        check(await traffic.last('POST', form.path), `${name} from ${origin}`);
      });
    }
    assert.equal(await kept(), before);
    await inTab(app, (page) => call(page, 'refresh'));
    assert.notEqual(await kept(), before, 'the session lives on');
  }
}

/** Whether a page of the issuer's had its style sheet from the browser's cache. */
const comesFromTheCache = () => inTab(`${issuer}/docs`, (page) => page.evaluate(() => {
  const loaded = performance.getEntriesByType('resource').find(({ name }) => name.endsWith('/docs/style.css'));
  return loaded.transferSize === 0;
}));

async function logOut() {
  const before = (await found(REFRESH))[0];
  await comesFromTheCache();
  assert.equal(await comesFromTheCache(), true, 'the browser keeps it for five minutes');
  await inTab(app, async (page, traffic) => {
    await call(page, 'logOut');
    const logout = await traffic.last('POST', '/v1/logout');
    assert.equal(logout.status, 204);
    assert.equal(logout.answer['clear-site-data'], '"cache"');
    assert.deepEqual(await traffic.of('OPTIONS', '/v1/logout'), [], 'it needs no preflight');
    assert.equal(await kept(), undefined);
    assert.equal((await found(DEVICE)).length, 1, 'the device is known still');
    await assert.rejects(call(page, 'refresh'), /validation_failed/);
    await browser.addCookies([before]);
    await assert.rejects(call(page, 'refresh'), /invalid_refresh_token/);
  });
  assert.equal(await comesFromTheCache(), false, 'nothing of the issuer is kept');
}

const STEPS = {
  'logging in sets the cookie that the document says': logIn,
  'no script reads it or puts another in its place': noScriptHasIt,
  'each refresh brings the next, and a reload keeps it': refreshAndReload,
  'it is there when the browser starts again': theBrowserIsStartedAgain,
  'two tabs that refresh at once both go on': twoTabsAtOnce,
  'tabs take turns as the document has it': tabsTakeTurns,
  'pages of other origins get nowhere': othersGetNowhere,
  'logging out removes it, and what the browser has cached': logOut,
};

await open();
try {
  for (const [name, step] of Object.entries(STEPS)) {
    await step().catch((error) => { throw new Error(`${name}: ${error.message}`, { cause: error }); });
    console.log(`        ${name}`);
  }
} finally {
  await browser.close();
}
