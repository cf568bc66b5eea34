// The pages as browsers receive them: every link resolves, nothing else is served, and headers exclude other hosts.

import { describe, expect, it } from "vitest";
import { version } from "../../package.json";
import { env, exports } from "cloudflare:workers";

const URLS = "https://edge.example";
const get = async (path: string, init?: RequestInit): Promise<Response> =>
  await exports.default.fetch(new Request(`${URLS}${path}`, { redirect: "manual", ...init }));

const PAGES = ["/docs", "/docs/glossary", "/docs/api/conventions", "/docs/api"];

/** The paths within the site that a page loads or links to, without anchors. */
const named = (html: string): string[] => [
  ...new Set([...html.matchAll(/ (?:src|href)="(\/[^"#]*)/g)].map(([, path = ""]) => path)),
];

describe("the documentation", () => {
  it("serves everything that its pages load or link to within the site", async () => {
    for (const page of PAGES) {
      const response = await get(page);
      expect(response.status, page).toBe(200);
      expect(response.headers.get("content-type"), page).toBe("text/html; charset=utf-8");
      const paths = named(await response.text());
      expect(paths.length, page).toBeGreaterThan(4);
      for (const path of paths) {
        const asset = await get(path);
        expect(asset.status, `${path} of ${page}`).toBe(200);
        expect((await asset.arrayBuffer()).byteLength, path).toBeGreaterThan(20);
      }
    }
  });

  it("loads nothing from other hosts, and has no inline scripts or styles", async () => {
    for (const page of PAGES) {
      const html = await (await get(page)).text();
      expect(html, page).not.toMatch(/<(?:script|link|img)[^>]*(?:src|href)="(?:https?:)?\/\//);
      expect(html, page).not.toMatch(/<style|<script(?![^>]* src=)|\sstyle=|\son[a-z]+=/);
    }
  });

  it("has a Content-Security-Policy that allows only our own scripts and styles; only the Swagger UI page allows inline styles", async () => {
    for (const page of PAGES) {
      const { headers } = await get(page);
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy, page).toMatch(/default-src 'none'; script-src 'self';.*frame-ancestors 'none'/);
      expect(policy.includes("unsafe"), page).toBe(page === "/docs/api");
      expect(policy, page).not.toMatch(/script-src[^;]*unsafe/);
      expect(headers.get("x-content-type-options"), page).toBe("nosniff");
      expect(headers.get("referrer-policy"), page).toBe("no-referrer");
    }
  });

  it("is revalidated on every visit, and answers 304 if unchanged", async () => {
    const first = await get("/docs/glossary");
    expect(first.headers.get("cache-control")).toMatch(/max-age=0, must-revalidate/);
    const tag = first.headers.get("etag") ?? "";
    expect(tag).not.toBe("");
    expect((await get("/docs/glossary", { headers: { "if-none-match": tag } })).status).toBe(304);
  });

  it("answers HEAD as GET, without the body", async () => {
    const response = await get("/docs/glossary", { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await response.text()).toBe("");
  });

  it("redirects a path with a trailing slash or with .html to the page", async () => {
    for (const [path, page] of [
      ["/docs/", "/docs"],
      ["/docs/glossary/", "/docs/glossary"],
      ["/docs/glossary.html", "/docs/glossary"],
    ]) {
      const response = await get(path ?? "");
      expect([response.status, response.headers.get("location")], path).toEqual([307, page]);
    }
  });

  it("serves nothing else: no source, no package file, no Markdown, and nothing outside /docs", async () => {
    for (const path of [
      "/docs/nothing",
      "/docs/package.json",
      "/docs/glossary.md",
      "/docs/site/build.ts",
      "/docs/api/swagger-ui.js",
      "/docs/..%2fpackage.json",
      "/docs.html",
      "/docsearch",
      "/index.html",
      "/package.json",
    ])
      expect((await get(path)).status, path).toBe(404);
    expect((await get("/docs", { method: "POST" })).status).toBe(405);
  });

  it("has an index page that lists the pages with their purpose", async () => {
    const html = await (await get("/docs")).text();
    expect(html).toContain('<a href="/docs/glossary">Glossary</a><p>The words that Tidings uses');
  });

  it("has a search index with the address of every section", async () => {
    const entries = await (
      await get("/docs/search.json")
    ).json<{ url: string; page: string; title: string }[]>();
    expect(entries).toContainEqual(
      expect.objectContaining({
        url: "/docs/api/conventions#errors",
        page: "Conventions of the API",
        title: "Errors",
      }),
    );
    for (const { url } of entries) {
      const [path = "", anchor] = url.split("#");
      const html = await (await get(path)).text();
      if (anchor !== undefined) expect(html, url).toContain(`id="${anchor}"`);
    }
  });
});

describe("the version", () => {
  it("of package.json is returned by /healthz", async () => {
    expect(env.ASSETS).toBeDefined();
    expect(await (await get("/healthz")).json()).toMatchObject({ version });
  });
});
