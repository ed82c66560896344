// How Chromium is started wherever the repository's checks need it.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(pathToFileURL(process.cwd() + '/'));
const { chromium } = require('playwright-core');

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** A browser without a past. */
export const launch = (executablePath) => chromium.launch({ executablePath, args: ARGUMENTS });

/** A browser that keeps in `folder` what a browser keeps, to be found there by the next one. */
export const launchIn = (folder, executablePath, more) =>
  chromium.launchPersistentContext(folder, { executablePath, args: [...ARGUMENTS, ...more] });
