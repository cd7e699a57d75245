import { describe, expect, it } from "vitest";
import { createMemoryRecords } from "../../memory/memory-records.ts";
import { createFakeClock } from "../../testing/fake-clock.ts";
import { endPreviewLink, findPullLinks, linkPreview, type PreviewLink, previewLinks } from "./preview-links.ts";

const DAY = 86_400_000;
const pull = { host: "github", repositoryId: "424242", number: 7 };

function aLink(over: Partial<PreviewLink> = {}): PreviewLink {
  const repository = { id: "424242", fullName: "acme/shop" };
  const url = "https://github.com/acme/shop/pull/7";
  return {
    stackId: "shop-pr-7",
    host: "github",
    repository,
    number: 7,
    url,
    head: "1".repeat(40),
    owner: "o",
    ...over,
  };
}

function createDeps() {
  return { records: createMemoryRecords(), clock: createFakeClock() };
}

describe("linkPreview", () => {
  it("keeps the newest link of a stack", async () => {
    const deps = createDeps();
    await linkPreview(deps, aLink());

    await linkPreview(deps, aLink({ head: "2".repeat(40), title: "Add a cart" }));

    expect(await previewLinks.find(deps, "shop-pr-7")).toEqual(aLink({ head: "2".repeat(40), title: "Add a cart" }));
    expect(await previewLinks.find(deps, "other")).toBeUndefined();
  });

  it("writes nothing when the link is stored already, until half of its time has passed", async () => {
    const deps = createDeps();
    await linkPreview(deps, aLink());
    const versions = async () =>
      (await deps.records.list("previews/", { limit: 10, now: deps.clock.now() })).items.map(({ version }) => version);
    const before = await versions();

    await linkPreview(deps, aLink());
    const again = await versions();
    await deps.clock.advance(201 * DAY);
    await linkPreview(deps, aLink());
    await deps.clock.advance(399 * DAY);

    expect(again).toEqual(before);
    expect(await previewLinks.find(deps, "shop-pr-7")).toEqual(aLink());
  });

  it.each([
    ["a stack id with a control character", { stackId: "a\nb" }],
    ["a head that is not a commit", { head: "main" }],
    ["a long title", { title: "x".repeat(1_025) }],
  ])("refuses %s", async (_, over) => {
    await expect(linkPreview(createDeps(), aLink(over))).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe("lists of links", () => {
  it("go by stack id, in pages", async () => {
    const deps = createDeps();
    for (const stackId of ["b", "a", "c"]) await linkPreview(deps, aLink({ stackId }));

    const first = await previewLinks.list(deps, { limit: 2 });
    const second = await previewLinks.list(deps, { limit: 2, cursor: first.cursor ?? "" });

    expect([first, second].map(({ items }) => items.map(({ stackId }) => stackId))).toEqual([["a", "b"], ["c"]]);
  });

  it("contain the stacks of a pull request, and none of another whose number begins with its own", async () => {
    const deps = createDeps();
    await linkPreview(deps, aLink({ stackId: "shop/pr-7" }));
    await linkPreview(deps, aLink({ stackId: "docs-pr-7" }));
    await linkPreview(deps, aLink({ stackId: "shop-pr-71", number: 71 }));

    const links = await findPullLinks(deps, pull);

    expect(links.map(({ stackId }) => stackId)).toEqual(["docs-pr-7", "shop/pr-7"]);
  });

  it("leave out a stack that was linked to another pull request since", async () => {
    const deps = createDeps();
    await linkPreview(deps, aLink());
    await linkPreview(deps, aLink({ number: 8 }));

    expect(await findPullLinks(deps, pull)).toEqual([]);
    expect(await findPullLinks(deps, { ...pull, number: 8 })).toHaveLength(1);
  });
});

describe("endPreviewLink", () => {
  it("keeps the link for 90 more days, however often it is called", async () => {
    const deps = createDeps();
    await linkPreview(deps, aLink());
    await endPreviewLink(deps, "shop-pr-7");
    await deps.clock.advance(89 * DAY);
    await endPreviewLink(deps, "shop-pr-7");

    const before = await previewLinks.find(deps, "shop-pr-7");
    await deps.clock.advance(2 * DAY);

    expect(before).toEqual(aLink());
    expect(await previewLinks.find(deps, "shop-pr-7")).toBeUndefined();
  });

  it("leaves a link that is renewed in that moment as it was renewed", async () => {
    const deps = createDeps();
    await linkPreview(deps, aLink());
    const renewed = aLink({ head: "2".repeat(40) });
    let puts = 0;
    const put: typeof deps.records.put = async (input) => {
      puts += 1;
      if (puts === 1) await linkPreview(deps, renewed);
      return deps.records.put(input);
    };
    await endPreviewLink({ ...deps, records: { ...deps.records, put } }, "shop-pr-7");
    await deps.clock.advance(100 * DAY);

    expect(await previewLinks.find(deps, "shop-pr-7")).toEqual(renewed);
  });

  it("does nothing without a link", async () => {
    await expect(endPreviewLink(createDeps(), "shop-pr-7")).resolves.toBeUndefined();
  });
});
