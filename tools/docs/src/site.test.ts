import { describe, expect, it } from "vitest";
import {
  findDeadLinks,
  findUnlisted,
  findWithoutReader,
  rewriteLinks,
  toAnchors,
  toReferencePage,
  toSidebar,
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

describe("toAnchors", () => {
  it("writes anchors as code hosts do, numbers equal headings, and skips code", () => {
    const markdown =
      "# Events\n## `send`: one, or *many*?\n## Events\n```sh\n# not a heading\n```\n## [Tasks](tasks.md) & keys";

    expect([...toAnchors(markdown)]).toEqual(["events", "send-one-or-many", "events-1", "tasks--keys"]);
  });
});

describe("toSidebar", () => {
  it("lists known pages by group, in order, and every page of a folder", () => {
    const pages = [aPage("# Concepts", "docs/concepts.md"), aPage("# `@stackyard/core`", "packages/core/README.md")];

    expect(toSidebar(pages)).toEqual([
      { text: "Start", items: [{ text: "Concepts", link: "/docs/concepts" }] },
      { text: "Packages", collapsed: true, items: [{ text: "@stackyard/core", link: "/packages/core/README" }] },
    ]);
  });
});

describe("findUnlisted", () => {
  it("returns pages of docs that no group lists", () => {
    expect(findUnlisted(["README.md", "docs/cli.md", "docs/new.md", "apps/fleet/README.md"])).toEqual(["docs/new.md"]);
  });
});

describe("findWithoutReader", () => {
  it("returns pages of docs that do not begin with their reader", () => {
    const pages = [aPage("# A\n\nFor operators: all.\n", "docs/a.md"), aPage("# B\n\nAll.\n", "docs/b.md")];

    expect(findWithoutReader([...pages, aPage("# C\n", "README.md")])).toEqual(["docs/b.md"]);
  });
});

describe("toReferencePage", () => {
  it("has a section for each entry with the code of its report", () => {
    const report = "## API Report\n\n```ts\n\nexport const a: 1;\n\n```\n";

    expect(toReferencePage("@stackyard/sdk", [{ entry: "queue", report }])).toEqual({
      path: "reference/sdk.md",
      markdown:
        "# @stackyard/sdk\n\nThe exported types of every entry of `@stackyard/sdk`, as the published package declares them.\n\n" +
        "## @stackyard/sdk/queue\n\n```ts\nexport const a: 1;\n```\n\n",
    });
  });
});
