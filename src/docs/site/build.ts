// The documentation as the Worker serves it: static files, made of src/docs and of the packages that pages load in the
// browser. They lie below dist/assets/docs, so that other assets can lie beside them.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { layOut } from "./layout.ts";
import { navigationOf } from "./navigation.ts";
import { indexPage, referencePage } from "./own-pages.ts";
import { readPage, type Page, type Section } from "./page.ts";
import { renderPage } from "./render.ts";
import { writeFiles } from "./write.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const ASSETS = join(ROOT, "dist", "assets");

/** Where files come from, below the project's folder, and what they are called in the browser. */
const COPIES: Readonly<Record<string, string>> = {
  "docs/docs.css": "src/docs/site/browser/docs.css",
  "docs/docs.js": "src/docs/site/browser/docs.js",
  "docs/search.js": "src/docs/site/browser/search.js",
  "docs/icon.svg": "src/docs/site/browser/icon.svg",
  "docs/minisearch.js": "node_modules/minisearch/dist/es/index.js",
  "docs/minisearch.LICENSE.txt": "node_modules/minisearch/LICENSE.txt",
  "docs/api/start.js": "src/docs/site/browser/start.js",
  "docs/api/swagger-ui.css": "node_modules/swagger-ui-dist/swagger-ui.css",
  "docs/api/swagger-ui-bundle.js": "node_modules/swagger-ui-dist/swagger-ui-bundle.js",
  "docs/api/LICENSE.txt": "node_modules/swagger-ui-dist/LICENSE",
  "docs/api/NOTICE.txt": "node_modules/swagger-ui-dist/NOTICE",
};

/**
 * Builds what is not up to date; gives the number of files that changed. DOCS_SOURCE_URL may name the address that source
 * files begin with in a repository on the web; without it, links to them become text.
 */
export async function buildDocs(): Promise<number> {
  const source = process.env["DOCS_SOURCE_URL"] ?? null;
  const pages = await readPages();
  const groups = navigationOf(pages);
  const files = new Map<string, string | Uint8Array>();
  for (const page of pages) {
    const { title, lede: description, url, sections: headings } = page;
    files.set(
      assetOf(url),
      layOut({ title, description, url, headings, text: renderPage(page, { source }) }, groups),
    );
  }
  files.set(assetOf("/docs"), indexPage(groups));
  files.set(assetOf("/docs/api"), referencePage());
  files.set("docs/search.json", JSON.stringify(pages.flatMap(entriesOf)));
  for (const image of await listFiles(/\.(?:svg|png)$/))
    files.set(image.slice("src/".length), await read(image));
  for (const [to, from] of Object.entries(COPIES)) files.set(to, await copyOf(from));
  return await writeFiles(ASSETS, files, (path) => path === "docs.html" || path.startsWith("docs/"));
}

/** Every Markdown file below src/docs. */
export async function readPages(): Promise<Page[]> {
  const files = await listFiles(/\.md$/);
  return await Promise.all(files.map(async (file) => readPage(file, (await read(file)).toString())));
}

/** Files below src/docs, but for the machinery, by their path below the project's folder. */
async function listFiles(pattern: RegExp): Promise<string[]> {
  const names = await readdir(join(ROOT, "src", "docs"), { recursive: true });
  return names
    .map((name) => `src/docs/${name.replaceAll("\\", "/")}`)
    .filter((file) => pattern.test(file) && !file.startsWith("src/docs/site/"))
    .toSorted();
}

/** The platform serves `/docs/x` from the file `docs/x.html`. */
function assetOf(url: string): string {
  return `${url.slice(1)}.html`;
}

/** What the search knows: each section with the page that it is of. */
function entriesOf(page: Page): { url: string; page: string; title: string; text: string }[] {
  const own = (section: Section, i: number): string => (i === 0 ? page.url : `${page.url}#${section.slug}`);
  return page.sections.map((section, i) => ({
    url: own(section, i),
    page: page.title,
    title: section.text,
    text: section.body,
  }));
}

async function read(file: string): Promise<Buffer> {
  return await readFile(join(ROOT, file));
}

/** A file as it is, without the name of a source map that is not served. */
async function copyOf(file: string): Promise<Buffer | string> {
  const bytes = await read(file);
  return /\.(?:js|css)$/.test(file)
    ? bytes.toString().replace(/\n(?:\/\/|\/\*)# sourceMappingURL=.*\s*$/, "\n")
    : bytes;
}
