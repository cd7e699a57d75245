import { describe, expect, it } from "vitest";
import {
  createCodeClasses,
  dropContents,
  findDeadLinks,
  findMissingPaths,
  findUnlinked,
  findUnlisted,
  findWithoutReader,
  hideFromSearch,
  keepBraces,
  rewriteLinks,
  toAnchors,
  toLlmsText,
  toReferencePage,
  toSidebars,
} from "./site.ts";

const aPage = (markdown: string, path = "docs/events.md") => ({ path, markdown });

describe("rewriteLinks", () => {
  const paths = new Set(["README.md", "docs/cli.md", "packages/core/README.md"]);

  it("makes links to pages, folders with a README and the README of the repository absolute", () => {
    const page = aPage("[a](cli.md#stacks) [b](../packages/core) [c](../README.md)");

    expect(rewriteLinks(page, paths)).toBe("[a](/docs/cli.md#stacks) [b](/packages/core/README.md) [c](/index.md)");
  });

  it("writes a link to a file that is not a page as text, and leaves other sites, anchors, images and code alone", () => {
    const kept = "[a](https://example.com) [b](#below) ![c](picture.png)\n```md\n[d](store.ts)\n```";

    expect(rewriteLinks(aPage(`[store](../packages/core/src/store.ts)\n${kept}`), paths)).toBe(`store\n${kept}`);
  });
});

describe("dropContents", () => {
  it("removes the list of a page's sections, and no other list", () => {
    const start = "# Events\n\nFor programmers: all.\n\n";
    const rest = "- [Concepts](concepts.md)\n- [Next](#next)\n\n## Next\n\n- [Above](#events)\n";

    expect(dropContents(`${start}- [Next](#next): [one](#one),\n  [two](#two)\n\n${rest}`)).toBe(start + rest);
  });
});

describe("findDeadLinks", () => {
  const anchors = new Map([
    ["docs/events.md", new Set(["events", "here"])],
    ["packages/core/README.md", new Set(["use"])],
  ]);
  const find = (markdown: string) => findDeadLinks(aPage(markdown), anchors, (path) => path === "docs/cli.md");

  it("returns links to files and headings that do not exist", () => {
    expect(find("[a](clj.md) [b](#there) [c](../packages/core#uses)")).toEqual([
      "clj.md",
      "#there",
      "../packages/core#uses",
    ]);
  });

  it("returns nothing for files, headings and other sites", () => {
    expect(find("[a](cli.md) [b](#here) [c](../packages/core#use) [d](https://example.com/#x)")).toEqual([]);
  });
});

describe("findMissingPaths", () => {
  it("returns the paths of the repository that do not exist, and nothing else that is code", () => {
    const page = aPage("`packages/core/a.ts` `tools/*/src` `docs/x.md` `dist/docs` `docs`\n```sh\nls `apps/x`\n```");

    expect(findMissingPaths(page, (path) => path === "tools/*/src")).toEqual(["packages/core/a.ts", "docs/x.md"]);
  });
});

describe("toAnchors", () => {
  it("writes anchors as code hosts do, numbers equal headings, and skips code", () => {
    const markdown =
      "# Events\n## `send`: one, or *many*?\n## Events\n```sh\n# not a heading\n```\n## [Tasks](tasks.md) & keys";

    expect([...toAnchors(markdown)]).toEqual(["events", "send-one-or-many", "events-1", "tasks--keys"]);
  });
});

describe("toSidebars", () => {
  it("list known pages by group, in order, every page of a folder below it, and ways from each to the others", () => {
    const core = { text: "@stackyard/core", link: "/packages/core/README" };
    const [packages, apps] = [
      { text: "Packages", link: core.link },
      { text: "Apps", link: "/apps/fleet/README" },
    ];
    const home = { text: "Documentation", link: "/" };

    const sidebars = toSidebars([
      aPage("# Concepts", "docs/concepts.md"),
      aPage("# `@stackyard/core`", "packages/core/README.md"),
      aPage("# Fleet", "apps/fleet/README.md"),
    ]);

    expect(sidebars).toEqual({
      "/": [
        { text: "Use it", items: [{ text: "Concepts", link: "/docs/concepts" }] },
        { text: "Code", items: [packages, apps] },
      ],
      "/packages/": [
        { text: "Packages", items: [core] },
        { text: "Others", items: [home, apps] },
      ],
      "/apps/": [
        { text: "Apps", items: [{ text: "Fleet", link: "/apps/fleet/README" }] },
        { text: "Others", items: [home, packages] },
      ],
    });
  });
});

describe("toLlmsText", () => {
  it("lists the pages of the groups with their first paragraph, below the address of the site", () => {
    const pages = [
      aPage(
        "# Stackyard\n\n[![badge](a.svg)](b)\n\nA **control plane**\nfor [machines](docs/machines.md).",
        "README.md",
      ),
      aPage("# Events\n\nFor programmers: what an [event](x.md) is.\n\n## More", "docs/events.md"),
      aPage("# Core", "packages/core/README.md"),
    ];

    const text = toLlmsText(pages, "/yard/");

    expect(text).toMatch(/^# Stackyard\n\n> A \*\*control plane\*\* for machines\.\n\n## Use it\n/);
    expect(text).toContain("- [Events](/yard/docs/events.md): For programmers: what an event is.\n");
    expect(text).not.toContain("packages/core");
  });
});

describe("findUnlisted", () => {
  it("returns pages of docs that no group lists", () => {
    expect(findUnlisted(["README.md", "docs/cli.md", "docs/new.md", "apps/fleet/README.md"])).toEqual(["docs/new.md"]);
  });
});

describe("findUnlinked", () => {
  it("returns the pages of docs to which their home has no link", () => {
    const home = aPage("[cli](cli.md#stacks) [events](eventful.md) [core](../SECURITY.md)", "docs/README.md");

    expect(findUnlinked([home, aPage("", "docs/cli.md"), aPage("[cli](cli.md)"), aPage("", "SECURITY.md")])).toEqual([
      "docs/events.md",
    ]);
  });
});

describe("findWithoutReader", () => {
  it("returns pages of docs that do not begin with their reader", () => {
    const pages = [aPage("# A\n\nFor operators: all.\n", "docs/a.md"), aPage("# B\n\nAll.\n", "docs/b.md")];

    expect(findWithoutReader([...pages, aPage("# C\n", "README.md")])).toEqual(["docs/b.md"]);
  });
});

describe("hideFromSearch", () => {
  it.each([
    ["docs/testing.md", true],
    ["CONTRIBUTING.md", true],
    ["apps/fleet/README.md", true],
    ["docs/events.md", false],
    ["packages/sdk/README.md", false],
  ])("hides %s: %s", (path, hidden) => {
    expect(hideFromSearch(aPage("# A", path))).toBe(hidden ? "---\nsearch: false\n---\n\n# A" : "# A");
  });
});

describe("keepBraces", () => {
  it("escapes two braces in text and code of pages", () => {
    const rules = { text: (word: unknown) => String(word), fence: (word: unknown) => String(word) };

    keepBraces({ renderer: { rules } });

    expect([rules.text("a {{ b }} {c}"), rules.fence("{{ b }}")]).toEqual(["a &#123;&#123; b }} {c}", "{{ b }}"]);
  });
});

describe("createCodeClasses", () => {
  it("gives words a class for their colors, and none to words in those of the block", () => {
    const { transformer, toCss } = createCodeClasses("--l:#000");
    const word = (style: string, value: string) => ({ properties: { style }, children: [{ value }] });
    const line = { children: [word("--l:#111;", "if"), word("--l:#000;", " a "), word("--l:#111", "then")] };
    const code = { children: [line, { value: "\n" }] };

    transformer.code(code);

    expect(code.children).toEqual([
      { properties: { class: "k0" }, children: [{ value: "if" }] },
      { value: " a " },
      { properties: { class: "k0" }, children: [{ value: "then" }] },
      { value: "\n" },
    ]);
    expect(toCss()).toMatch(/^\.vp-code\{--l:#000\}\n.*\n\.vp-code \.k0\{--l:#111\}$/s);
  });
});

describe("toReferencePage", () => {
  it("has a section for each entry with the code of its report, which no search finds", () => {
    const report = "## API Report\n\n```ts\n\nexport const a: 1;\n\n```\n";

    expect(toReferencePage("@stackyard/sdk", [{ entry: "queue", report }])).toEqual({
      path: "reference/sdk.md",
      markdown:
        "---\nsearch: false\n---\n\n# @stackyard/sdk\n\nThe exported types of every entry of `@stackyard/sdk`, as the published package declares them.\n\n" +
        "## @stackyard/sdk/queue\n\n```ts\nexport const a: 1;\n```\n\n",
    });
  });
});
