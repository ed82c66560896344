// What a page of another origin may try: to use somebody's cookie, to end their session, or to have
// them logged in as somebody else. To try something else, add it here.

const REFRESH = '/v1/token/refresh';
const LOGOUT = '/v1/logout';
const LOGIN = '/v1/login';
const SOMEBODY = JSON.stringify({ email: 'eve@example.com', password: 'correct horse battery staple', transport: 'cookie' });

const json = (body) => ({ headers: { 'content-type': 'application/json' }, body });
const plain = (body) => ({ headers: { 'content-type': 'text/plain' }, body });
const unasked = (options) => ({ ...options, mode: 'no-cors' });

/** Scripts: the path, the options of `fetch`, and whether the browser asks first. */
export const ATTEMPTS = {
  'a refresh': { path: REFRESH, isPreflighted: true, options: json('{}') },
  'a logout': { path: LOGOUT, isPreflighted: true, options: json('{}') },
  'a login': { path: LOGIN, isPreflighted: true, options: json(SOMEBODY) },
  'a refresh without a body': { path: REFRESH, options: {} },
  'a refresh as text': { path: REFRESH, options: plain('{}') },
  'a logout without a body': { path: LOGOUT, options: {} },
  'a logout as text': { path: LOGOUT, options: plain('{}') },
  'a login as text': { path: LOGIN, options: plain(SOMEBODY) },
  'a refresh that asks nobody': { path: REFRESH, options: unasked(plain('{}')) },
  'a logout that asks nobody': { path: LOGOUT, options: unasked({}) },
  'a logout as text that asks nobody': { path: LOGOUT, options: unasked(plain('{}')) },
  'a login that asks nobody': { path: LOGIN, options: unasked(plain(SOMEBODY)) },
  'JSON that asks nobody': { path: REFRESH, options: unasked(json('{}')) },
};

/** Forms: the path, how it is sent, and a field, of which text/plain makes JSON. */
export const FORMS = {
  'a form that refreshes': { path: REFRESH, enctype: 'text/plain', name: '{"audience":"', value: '"}' },
  'a form that logs out': { path: LOGOUT, enctype: 'application/x-www-form-urlencoded', name: 'a', value: 'b' },
  'a form that logs out as text': { path: LOGOUT, enctype: 'text/plain', name: '{"a":"', value: '"}' },
  'a form with a file': { path: LOGOUT, enctype: 'multipart/form-data', name: 'a', value: 'b' },
};

/** What a script gets to see: the error, or the answer. */
export const attempt = (page, url, options) =>
  page.evaluate(async ([url, options]) => {
    try {
      const answer = await fetch(url, { method: 'POST', credentials: 'include', ...options });
      return `${answer.type} ${answer.status} ${JSON.stringify(await answer.text())}`;
    } catch (error) {
      return error.name;
    }
  }, [url, options]);

/** Sends a form, and waits for the page that answers it. */
export async function submit(page, action, { enctype, name, value }) {
  const answered = page.waitForURL(action);
  await page.evaluate(({ action, enctype, name, value }) => {
    const form = Object.assign(document.createElement('form'), { method: 'post', action, enctype });
    form.append(Object.assign(document.createElement('input'), { name, value }));
    document.body.append(form);
    form.submit();
  }, { action, enctype, name, value });
  await answered;
}
