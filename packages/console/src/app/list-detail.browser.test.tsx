import type { ComponentType } from "react";
import { beforeEach, describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { rememberList } from "../api/last-list.ts";
import { ApprovalPage } from "../approvals/approval-page.tsx";
import { ListDetail } from "../design/list-detail.tsx";
import { JobPage } from "../jobs/job-page.tsx";
import { MachinePage } from "../machines/machine-page.tsx";
import { AsgPage } from "../releases/asg-page.tsx";
import { StackList } from "../stack/stack-list.tsx";
import { StatePage } from "../terraform/state-page.tsx";
import { renderPage } from "../testing/render-page.tsx";
import { aFailedStack } from "../testing/stacks.ts";

beforeEach(() => page.viewport(1200, 800));

function SideOfStack() {
  return (
    <ListDetail label="Other stacks" list={<StackList stackId="pr-0" />}>
      <p>pr-0</p>
    </ListDetail>
  );
}

interface Case {
  readonly label: string;
  readonly Page: ComponentType;
  readonly address: string;
  readonly path: string;
  readonly items: readonly object[];
  /** The link to the other item, and its address. */
  readonly other: readonly [name: string, target: string, text?: string];
}

const at = "2026-11-20T03:00:00Z";
const job = { state: "running", executor: "ecs", config: {}, startedAt: at };
const approval = {
  machine: "web",
  state: "REVIEW",
  from: [],
  count: 1,
  need: 1,
  askedAt: at,
  expiresAt: at,
  given: [],
};
const machine = { status: "valid", problems: [], origin: "web.yaml" };
const toRelease = (jobId: string, release_id: string) => ({
  ...job,
  jobId,
  executor: "asg",
  config: {
    op: "deploy",
    release: { aws_account_id: "1", aws_region: "eu-west-1", project_name: "web", config_name: "prod", release_id },
  },
});

const CASES: readonly Case[] = [
  {
    label: "Other jobs",
    Page: JobPage,
    address: "/job?id=run-1",
    path: "/v1/jobs",
    items: [
      { ...job, jobId: "run-1" },
      { ...job, jobId: "run-2" },
    ],
    other: ["ecs run-2", "/job?id=run-2", "run-2"],
  },
  {
    label: "Other approvals",
    Page: ApprovalPage,
    address: "/approval?stack=web&task=sign-off",
    path: "/v1/approvals",
    items: [
      { ...approval, id: "1", stackId: "web", task: "sign-off" },
      { ...approval, id: "2", stackId: "web", task: "go" },
    ],
    other: ["go", "/approval?stack=web&task=go"],
  },
  {
    label: "Other machines",
    Page: MachinePage,
    address: "/machine?name=web",
    path: "/v1/machines",
    items: [
      { ...machine, name: "web" },
      { ...machine, name: "review-app" },
    ],
    other: ["review-app", "/machine?name=review-app"],
  },
  {
    label: "Other releases",
    Page: AsgPage,
    address: "/asg?id=run-1",
    path: "/v1/jobs",
    items: [toRelease("run-1", "rel-1"), toRelease("run-2", "rel-2")],
    other: ["rel-2", "/asg?id=run-2"],
  },
  {
    label: "Other states",
    Page: StatePage,
    address: "/state?key=app%2Fone",
    path: "/v1/terraform/states",
    items: [
      { key: "app/one", current: 1, versions: [] },
      { key: "app/two", current: 1, versions: [] },
    ],
    other: ["app/two", "/state?key=app%2Ftwo"],
  },
];

describe("the stacks beside a stack", () => {
  it("show the whole names of long states", async () => {
    const states = ["WAITING-FOR-CERTIFICATE", "ROLLING-OUT_TO_ALL_CUSTOMERS", "UP"];
    const stacks = states.map((state, index) => aFailedStack(`pr-${index}`, { state }));
    rememberList(stacks.map(({ id }) => id));
    await renderPage(SideOfStack, "/stack?id=pr-0", { "GET /v1/stacks": { items: stacks } });
    await expect.element(page.getByText("UP", { exact: true })).toBeVisible();

    const list = document.querySelector(".table-scroll");
    const cells = [...document.querySelectorAll<HTMLElement>("td.narrow")];
    expect(cells.map(({ textContent }) => textContent)).toEqual(states);
    expect(cells.filter((cell) => cell.scrollWidth > cell.clientWidth)).toEqual([]);
    expect(list?.scrollWidth).toBe(list?.clientWidth);
  });
});

describe("a detail and its list", () => {
  it.each(CASES)(
    "stand side by side from 1,200 px on: $label",
    async ({ label, Page, address, path, items, other }) => {
      const [name, target, text = name] = other;
      const { screen, address: getAddress } = await renderPage(Page, address, { [`GET ${path}`]: { items } });

      const list = screen.getByRole("complementary", { name: label });
      const chosen = list.getByRole("row", { selected: true });
      await expect.element(chosen).toBeVisible();
      await expect.element(chosen).not.toMatchTextContent(new RegExp(text));
      await list.getByRole("link", { name, exact: true }).click();
      await expect.poll(getAddress).toBe(target);
      await expect.element(chosen).toMatchTextContent(new RegExp(text));

      await page.viewport(1199, 800);
      await expect.element(list).not.toBeInTheDocument();
    },
  );

  it.each(CASES)(
    "stands alone where the list has nothing else: $label",
    async ({ label, Page, address, path, items }) => {
      const [shown] = items;
      const { screen } = await renderPage(Page, address, { [`GET ${path}`]: { items: [shown] } });

      await expect.element(screen.getByRole("heading", { level: 1 })).toBeVisible();
      await expect.poll(() => screen.getByLabelText(label).element().childElementCount).toBe(0);
      const [list, detail] = document.querySelector(".list-detail")?.children ?? [];
      expect(list?.getBoundingClientRect().width).toBe(0);
      expect(detail?.getBoundingClientRect().width).toBe(detail?.parentElement?.getBoundingClientRect().width);
    },
  );
});
