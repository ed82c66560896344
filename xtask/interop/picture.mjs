// Opens pictures in a real browser, light and dark: no word of them is cut off, lies on another, or
// crosses the edge of a bar.
//
// usage: node picture.mjs CHROMIUM SCREENSHOT_FOLDER PICTURE.svg...
import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';

import { launch } from './chromium.mjs';

const [executablePath, folder, ...pictures] = process.argv.slice(2);
const browser = await launch(executablePath);
const complaints = [];

/** Runs in the picture. */
function look() {
  const box = (element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect();
    return { left, right, top, bottom, says: element.textContent };
  };
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const holds = (outer, inner) => outer.left <= inner.left && inner.right <= outer.right
    && outer.top <= inner.top && inner.bottom <= outer.bottom;
  const words = [...document.querySelectorAll('text')].map(box);
  const bars = [...document.querySelectorAll('rect.bar')].map(box);
  const whole = box(document.querySelector('.ground'));
  const faults = words.length > 20 ? [] : ['it says next to nothing'];
  words.forEach((word, number) => {
    if (!holds(whole, word)) faults.push(`cut off: ${word.says}`);
    for (const other of words.slice(number + 1)) if (meet(word, other)) faults.push(`${word.says} lies on ${other.says}`);
    for (const bar of bars) if (meet(word, bar) && !holds(bar, word)) faults.push(`${word.says} leaves its bar`);
  });
  return faults;
}

try {
  for (const picture of pictures) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ colorScheme, viewport: { width: 940, height: 700 } });
      await page.goto(pathToFileURL(picture).href);
      const name = basename(picture, '.svg');
      complaints.push(...(await page.evaluate(look)).map((fault) => `${name}: ${fault}`));
      await page.screenshot({ path: `${folder}/${name}-${colorScheme}.png` });
      await page.close();
    }
  }
  if (complaints.length > 0) throw new Error([...new Set(complaints)].join('\n'));
} finally {
  await browser.close();
}
