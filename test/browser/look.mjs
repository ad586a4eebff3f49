// look.mjs REQUEST: open pages in Chromium as readers have it and tell what is wrong with them, as one JSON object.
// REQUEST is JSON: modules (folder of playwright-core and axe-core), chromium, profile (an empty folder), pages (files),
// opens (axe looks into the tables behind too).
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import fs from 'node:fs';

const request = JSON.parse(process.argv[2]);
const require = createRequire(pathToFileURL(`${request.modules}/`));
const { chromium } = require('playwright-core');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const WIDTHS = [320, 390, 900, 1360];
const AXE = [390, 1360];

async function open(javaScriptEnabled) {
  return chromium.launchPersistentContext(fs.mkdtempSync(`${request.profile}/`), {
    executablePath: request.chromium, headless: true, javaScriptEnabled, bypassCSP: false,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

// Messages, refusals of the page's own policy among them, and whatever is asked for besides the page itself.
function listen(page, told) {
  page.on('console', (message) => told.messages.push(message.text()));
  page.on('pageerror', (error) => told.messages.push(String(error)));
  page.on('request', (asked) => {
    if (!asked.url().startsWith('data:') && asked.url() !== told.address) told.requests.push(asked.url());
  });
}

async function obey(page, told, where) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run());
  for (const one of violations) {
    told.violations.push(`${one.id} (${where}): ${one.nodes.slice(0, 2).map((n) => n.html.slice(0, 200))}`);
  }
}

async function judge(page, told) {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme, media: 'screen' });
      await page.goto(told.address);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) told.overflows.push(`${wide} px at ${width}`);
      // What axe looks at it reads cell by cell: two widths are enough, and open tables on small pages alone.
      if (AXE.includes(width) && !request.opens) await obey(page, told, `${colorScheme}, ${width}`);
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
      const opened = await page.evaluate(() => document.documentElement.scrollWidth);
      if (opened > width) told.overflows.push(`${opened} px at ${width}, tables open`);
      if (AXE.includes(width) && request.opens) await obey(page, told, `${colorScheme}, ${width}, tables open`);
    }
  }
  await page.emulateMedia({ media: 'print', colorScheme: 'light' });
  told.printed = (await page.pdf({ format: 'A4' })).length;
}

const answer = [];
const scripted = await open(true);
const plain = await open(false);
for (const file of request.pages) {
  const told = { address: pathToFileURL(file).href, messages: [], requests: [], overflows: [], violations: [] };
  const page = await scripted.newPage();
  listen(page, told);
  await judge(page, told);
  await page.close();
  const bare = await plain.newPage();
  listen(bare, told);
  await bare.goto(told.address);
  told.marks = await bare.locator('svg.plot .mark').count();
  told.links = await bare.locator('svg.dots a').count();
  told.seen = (await bare.locator('h1').boundingBox()) !== null;
  if (request.pictures) await bare.screenshot({ path: `${request.pictures}/${answer.length}.png`, fullPage: true });
  await bare.close();
  answer.push(told);
}
await scripted.close();
await plain.close();
console.log(JSON.stringify(answer));
