// Walks through the pages of mailed links in a real browser: opening one changes nothing, twenty
// times with its scripts, as a mail scanner does; the field is filled from the fragment, the
// fragment leaves the address bar, the button does it.
//
// usage: node pages.mjs CHROMIUM VERIFY_LINK RESET_LINK CHANGE_LINK UNDO_LINK INVITE_LINK PASSWORD
//   NEW_PASSWORD SCREENSHOT_FOLDER
import { launch } from './chromium.mjs';

const [executablePath, verifyLink, resetLink, changeLink, undoLink, inviteLink, password, newPassword,
  folder] =
  process.argv.slice(2);

/** How often a page is opened before somebody clicks. */
const VISITS = 20;

const browser = await launch(executablePath);
const complaints = [];
const contexts = await Promise.all(
  ['light', 'dark'].map((colorScheme) => browser.newContext({ colorScheme })));

async function open(link, visit) {
  const page = await contexts[visit % 2].newPage();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(new URL(link).origin)) complaints.push(`request to ${url}`);
    if (url.includes('token=')) complaints.push('a token in a request’s URL');
  });
  await page.goto(link);
  return page;
}

function expect(condition, what) {
  if (!condition) throw new Error(what);
}

async function walk(name, link, fields) {
  const token = new URL(link).hash.slice('#token='.length);
  for (let visit = 0; visit <= VISITS; visit += 1) {
    const page = await open(link, visit);
    expect(await page.inputValue('[name=token]') === token, `${name}: the field has the token`);
    expect(!page.url().includes(token), `${name}: the address bar has no token`);
    if (visit < 2) await page.screenshot({ path: `${folder}/${name}-${visit}.png`, fullPage: true });
    if (visit < VISITS) {
      await page.close();
      continue;
    }
    for (const [field, value] of Object.entries(fields)) await page.fill(`[name=${field}]`, value);
    await Promise.all([page.waitForNavigation(), page.click('button[type=submit]')]);
    await page.screenshot({ path: `${folder}/${name}-done.png`, fullPage: true });
    expect(!page.url().includes(token), `${name}: the address bar has no token`);
    expect(await page.locator('[name=token]').count() === 0, `${name}: it is done`);
    await page.close();
  }
}

try {
  await walk('verify', verifyLink, { password });
  await walk('reset', resetLink, { new_password: newPassword });
  await walk('email-change', changeLink, {});
  await walk('email-change-undo', undoLink, {});
  await walk('invite', inviteLink, { name: 'Eve', password });
  expect(complaints.length === 0, complaints.join('\n'));
  console.log('the pages do what they should');
} finally {
  await browser.close();
}
