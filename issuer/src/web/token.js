// Moves the token of a mailed link from the address bar, where history would keep it, into the
// form. It sends nothing: the button does.
'use strict';

const field = document.querySelector('input[name=token]');

function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (field && token) {
    field.value = token;
    history.replaceState(null, '', location.pathname);
  }
}

takeToken();
// A second link opened in the same tab changes the fragment only; the page isn't loaded again.
addEventListener('hashchange', takeToken);

if (!document.querySelector('[autofocus]')) {
  [...document.querySelectorAll('form input')].find((input) => input.value === '')?.focus();
}
