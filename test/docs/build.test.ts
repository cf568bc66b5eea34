// The documentation's build: the addresses, anchors, links, texts and order of pages that it makes from Markdown.

import { describe, expect, it } from "vitest";
import { layOut } from "../../src/docs/site/layout.ts";
import { navigationOf } from "../../src/docs/site/navigation.ts";
import { readPage, targetOf, urlOf } from "../../src/docs/site/page.ts";
import { hrefOf, renderPage } from "../../src/docs/site/render.ts";

const HERE = "src/docs/providers/mailjet.md";
const render = (text: string, source: string | null = null): string =>
  renderPage(readPage(HERE, text), { source });

describe("a page's address", () => {
  it("is its path without .md, and the folder's path for an index page", () => {
    expect(urlOf("src/docs/start.md")).toBe("/docs/start");
    expect(urlOf("src/docs/providers/index.md")).toBe("/docs/providers");
    expect(urlOf(HERE)).toBe("/docs/providers/mailjet");
  });

  it("leaves /docs/api to the API reference", () => {
    expect(urlOf("src/docs/api.md")).toBe("/docs/api/conventions");
  });
});

describe("a link", () => {
  it("to another page becomes the address of that page, with its anchor", () => {
    expect(hrefOf("../sources.md#rotation", HERE, null)).toBe("/docs/sources#rotation");
    expect(hrefOf("index.md", HERE, null)).toBe("/docs/providers");
    expect(hrefOf("../api.md", HERE, null)).toBe("/docs/api/conventions");
    expect(hrefOf("#events", HERE, null)).toBe("#events");
  });

  it("to another site or to an address of the Worker stays unchanged", () => {
    expect(hrefOf("https://www.rfc-editor.org/rfc/rfc9457", HERE, null)).toBe(
      "https://www.rfc-editor.org/rfc/rfc9457",
    );
    expect(hrefOf("mailto:ann@example.com", HERE, null)).toBe("mailto:ann@example.com");
    expect(hrefOf("/docs/api", HERE, null)).toBe("/docs/api");
  });

  it("to a source file leads to the repository if one is configured, and otherwise becomes text with the path", () => {
    expect(targetOf("../../providers/mailjet.ts", HERE)).toEqual({
      kind: "source",
      file: "src/providers/mailjet.ts",
    });
    expect(targetOf("../../../README.md", HERE)).toEqual({ kind: "source", file: "README.md" });
    const text = "See [the parser](../../providers/mailjet.ts).";
    expect(render(text, "https://git.example.com/tidings/blob/main")).toContain(
      '<a href="https://git.example.com/tidings/blob/main/src/providers/mailjet.ts">the parser</a>',
    );
    expect(render(text)).toContain("See the parser (<code>src/providers/mailjet.ts</code>).");
    expect(render("See [`mailjet.ts`](../../providers/mailjet.ts).")).toContain(
      "See <code>mailjet.ts</code>.",
    );
  });
});

describe("a page's text", () => {
  it("has headings with the anchors of a repository page; repeated headings are numbered", () => {
    const page = readPage(
      HERE,
      "# Mailjet\n\n## What `blocked` means & why\n\na\n\n## Notes\n\nb\n\n## Notes\n\nc\n",
    );
    expect(page.sections.map(({ slug }) => slug)).toEqual([
      "mailjet",
      "what-blocked-means--why",
      "notes",
      "notes-1",
    ]);
    const html = renderPage(page, { source: null });
    for (const { slug } of page.sections) expect(html).toContain(`id="${slug}"`);
  });

  it("has a title and an introductory sentence, both without markup", () => {
    const { title, lede } = readPage(HERE, "# Mailjet\n\nConnect *Mailjet* & see `blocked`.\n\nMore.\n");
    expect([title, lede]).toEqual(["Mailjet", "Connect Mailjet & see blocked."]);
  });

  it("gives no anchor to a heading inside a quotation", () => {
    const html = render("# Mailjet\n\n> ## Quoted\n\n## After\n");
    expect(html).toContain("<h2>Quoted</h2>");
    expect(html).toContain('<h2 id="after">');
  });

  it("puts tables and code into scrollable regions with keyboard focus and a label", () => {
    const html = render(
      "# Mailjet\n\n## Words\n\n| a | b |\n| - | -: |\n| 1 | 2 |\n\n```sh\ncurl '<x>'\n```\n",
    );
    expect(html).toContain(
      '<div class="table" tabindex="0" role="group" aria-label="Table in “Words”"><table>',
    );
    expect(html).toContain('<pre tabindex="0" role="group" aria-label="Commands in “Words”">');
    expect(html).toContain("curl '&lt;x&gt;'");
  });

  it("gives the search index the words of each section, without markup", () => {
    const { sections } = readPage(
      HERE,
      "# A\n\none **two**\n\n- three\n- `four` & five\n\n## B\n\n| x | y |\n| - | - |\n| 1 | 2 |\n",
    );
    expect(sections.map(({ body }) => body)).toEqual(["one two three four & five", "x y 1 2"]);
  });
});

describe("the navigation", () => {
  const page = (file: string, title: string) => readPage(`src/docs/${file}`, `# ${title}\n\nFor it.\n`);
  const pages = [
    page("glossary.md", "Glossary"),
    page("zebra.md", "Zebra"),
    page("providers/sendgrid.md", "SendGrid"),
    page("providers/index.md", "Providers"),
    page("providers/mailjet.md", "Mailjet"),
    page("start.md", "Start"),
  ];

  it("lists pages in reading order, a folder's pages below its index, and unlisted pages at the end", () => {
    const shape = navigationOf(pages).map(({ title, entries }) => [
      title,
      entries.map(({ page, below }) => [page.title, ...below.map((one) => one.title)]),
    ]);
    expect(shape).toEqual([
      ["Set up", [["Start"], ["Providers", "Mailjet", "SendGrid"]]],
      ["Understand", [["Glossary"]]],
      ["More", [["Zebra"]]],
    ]);
  });

  it("marks the current page, and expands only its folder", () => {
    const view = {
      title: "Mailjet",
      description: "",
      text: "",
      headings: [],
      url: "/docs/providers/mailjet",
    };
    const shown = layOut(view, navigationOf(pages));
    expect(shown).toContain('<a href="/docs/providers/mailjet" aria-current="page">Mailjet</a>');
    expect(shown).toContain('<a rel="prev" href="/docs/providers">');
    expect(shown).toContain('<a rel="next" href="/docs/providers/sendgrid">');
    const elsewhere = layOut({ ...view, title: "Start", url: "/docs/start" }, navigationOf(pages));
    expect(elsewhere).not.toContain(">SendGrid</a></li>");
  });
});
