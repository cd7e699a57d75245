import { expect, it } from "vitest";
import { page } from "vitest/browser";
import { queryClient } from "../../api/client.ts";
import { aStack } from "../../testing/a-stack.ts";
import { type Answer, problem, renderPage } from "../../testing/render-page.tsx";
import { ReleaseFacts } from "./release-facts.tsx";

const aRelease = (id: string, state: string, mainCondition: "busy" | "approval" | "healthy") => ({
  ...aStack(),
  id,
  state,
  mainCondition,
});
const release = aStack({ machine: "shop-release" });
const compareUrl = "https://git.example.org/acme/shop/compare/v1.41.0...v1.42.0";
const commits = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `c${index}`, subject: "Carts" }));
const api = { key: "api", from: "1.41.0", to: "1.42.0", tasks: ["production", "tenants"], stacks: 3 };

const Facts = () => <ReleaseFacts stack={release} entries={[]} plan={undefined} />;

function show(versions: Answer, releases: readonly object[] = []) {
  return renderPage(Facts, "/stack?id=pr-12", {
    "GET /v1/stacks/pr-12/versions": versions,
    "GET /v1/stacks": { items: releases },
  });
}

const list = (...versions: readonly object[]) => ({ versions, more: 0 });

it.each([390, 1_440])(
  "says which version comes where, with its commits at the code host (kargo#6091), %i px wide",
  async (width) => {
    await page.viewport(width, 900);
    const sha = (digit: string) => digit.repeat(40);
    const web = { key: "web", from: sha("a"), to: sha("b"), tasks: ["staging"], stacks: 1 };
    const { screen } = await show({
      versions: [{ ...api, commits: commits(14), compareUrl, dropped: 0 }, web],
      more: 2,
    });

    const facts = screen.getByLabelText("About the release");
    await expect.element(facts.getByText("api", { exact: true })).toBeVisible();
    const link = facts.getByRole("link", { name: "14 commits (git.example.org in a new tab)" });
    await expect.element(link).toHaveAttribute("href", compareUrl);
    const [, first, second] = facts.element().querySelectorAll("dd");
    expect(first?.textContent).toMatch(/^1\.41\.0 → 1\.42\.0 14 commits.* production, tenants$/);
    expect(second?.textContent).toMatch(/^a{9} → b{9} {2}staging$/);
    await expect.element(facts.getByText("Further versions")).toBeVisible();
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width);
  },
);

it.each([
  ["an older version", { commits: [], dropped: 1 }, "1 commit removed"],
  ["a branch that was rewritten", { commits: commits(2), dropped: 3 }, "2 commits, 3 commits removed"],
  ["more than are listed", { commits: commits(100), isCut: true, dropped: 0 }, "100+ commits"],
  ["another tag of the same commit", { commits: [], dropped: 0 }, "0 commits"],
  ["commits that only the host can list", { unknown: "No token." }, "Compare"],
])("counts what comes and what goes with %s (octopus#6612)", async (_, found, word) => {
  const { screen } = await show(list({ ...api, compareUrl, ...found }));

  await expect.element(screen.getByRole("link", { name: `${word} (git.example.org in a new tab)` })).toBeVisible();
});

it("says one version that comes once, and from which other ones", async () => {
  const { screen } = await show(
    list(api, { ...api, from: "1.40.9" }, { ...api, from: "1.39.0" }, { ...api, to: "2.0" }),
  );

  const facts = screen.getByLabelText("About the release");
  await expect.element(facts.getByText("1.40.9")).toBeVisible();
  const texts = [...facts.element().querySelectorAll("dd")].map(({ textContent }) => textContent);
  expect(texts.filter((text) => text.includes("1.41.0"))).toEqual([
    "1.41.0 → 1.42.0  production, tenants, also from 1.40.9, 1.39.0",
    "1.41.0 → 2.0  production, tenants",
  ]);
});

it("shows versions alone where no commits are known, and no link to something other than a web page (octopus#6784)", async () => {
  const { from: _, ...created } = api;
  const { screen } = await show(
    list({ ...api, unknown: "No host." }, { ...created, compareUrl: "javascript:alert(1)" }),
  );

  const facts = screen.getByLabelText("About the release");
  await expect.element(facts.getByText("none", { exact: true })).toBeVisible();
  expect(facts.element().textContent).not.toContain("commit");
  expect([...facts.element().querySelectorAll("a")].map(({ pathname }) => pathname)).toEqual(["/machine"]);
});

it("says that versions could not be loaded, and shows the rest", async () => {
  const { screen } = await show(problem(500, "SERVER_ERROR", "The store does not answer."));

  const facts = screen.getByLabelText("About the release");
  await expect.element(facts.getByText("could not be loaded")).toBeVisible();
  expect([...facts.element().querySelectorAll("dt")].map(({ textContent }) => textContent)).toEqual([
    "Machine",
    "Versions",
    "Started",
  ]);
});

it("leads to the releases before and after it, with their conditions", async () => {
  const releases = [
    aRelease("shop-3", "REVIEW", "approval"),
    release,
    aRelease("shop-1", "DONE", "healthy"),
    aRelease("shop-0", "DONE", "healthy"),
  ];
  const { screen, sent } = await show(list(), releases);

  const facts = screen.getByLabelText("About the release");
  await expect.element(facts.getByRole("link", { name: "shop-3" })).toHaveAttribute("href", "/release?id=shop-3");
  await expect.element(facts.getByRole("link", { name: "shop-1" })).toHaveAttribute("href", "/release?id=shop-1");
  const texts = [...facts.element().querySelectorAll("div")].map(({ textContent }) => textContent);
  expect(texts.slice(2, 4)).toEqual(["Release beforeshop-1 Healthy DONE", "Next releaseshop-3 Approval REVIEW"]);
  expect(sent.find(({ path }) => path === "/v1/stacks")?.query).toMatchObject({
    machine: "shop-release",
    sort: "-createdAt",
  });
});

it("names no neighbours of a release that is older than those that are listed", async () => {
  const { screen, sent } = await show(list(), [
    aRelease("shop-9", "DONE", "healthy"),
    aRelease("shop-8", "DONE", "healthy"),
  ]);

  await expect.poll(() => sent.some(({ path }) => path === "/v1/stacks") && queryClient.isFetching() === 0).toBe(true);
  await expect.element(screen.getByText("Started")).toBeVisible();
  expect(screen.getByRole("link").elements()).toHaveLength(1);
});
