import type { Approval, StackDetails } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { problem, renderPage, viewer } from "../testing/render-page.tsx";
import { ApprovalPage } from "./approval-page.tsx";
import { ApprovalsPage } from "./approvals-page.tsx";

const approval: Approval = {
  id: "web-prod/1/3/sign-off/a",
  stackId: "web-prod",
  machine: "web",
  state: "REVIEW",
  task: "sign-off",
  from: ["release-managers"],
  count: 2,
  need: 1,
  own: false,
  comment: "required",
  of: "sha256:4f1c",
  askedBy: { kind: "person", id: "p1", name: "cleo" },
  askedAt: "2026-11-20T03:00:00Z",
  expiresAt: "2099-11-20T06:00:00Z",
  given: [{ by: { kind: "person", id: "p2", name: "ben" }, at: "2026-11-20T03:05:00Z", comment: "looks right" }],
};

const stack = {
  id: "web-prod",
  machine: "web",
  machineHash: "4f1c",
  state: "REVIEW",
  previousState: null,
  metadata: { image: "web:2" },
  createdAt: "2026-11-20T02:00:00Z",
  updatedAt: "2026-11-20T03:00:00Z",
  enteredAt: "2026-11-20T03:00:00Z",
  incarnation: "e1",
  entry: 3,
  version: 9,
  summary: "Waits for 1 more approval.",
  tasks: [
    { name: "sign-off", status: "PENDING", detail: "APPROVING", why: "Waits for people." },
    { name: "deploy", status: "PENDING", why: "needs sign-off", waitsFor: { kind: "need", tasks: ["sign-off"] } },
  ],
  approvals: [approval],
  attempts: [],
  parked: [],
  timers: [],
} satisfies StackDetails;

const api = {
  "GET /v1/stacks/web-prod": stack,
  "GET /v1/stacks/web-prod/history": { items: [] },
};

const address = "/approval?stack=web-prod&task=sign-off";

describe("ApprovalsPage", () => {
  it("lists those that the person may give, and all on the other tab", { tags: "page" }, async () => {
    const { screen, sent } = await renderPage(ApprovalsPage, "/approvals", {
      "GET /v1/approvals": { items: [approval] },
    });

    await expect.element(screen.getByRole("link", { name: "sign-off" })).toBeVisible();
    await expect.element(screen.getByText("1 of 2")).toBeVisible();
    expect(sent.find(({ path }) => path === "/v1/approvals")?.query["mine"]).toBe("true");
  });

  it("says that nothing waits", async () => {
    const { screen } = await renderPage(ApprovalsPage, "/approvals?tab=all", { "GET /v1/approvals": { items: [] } });

    await expect.element(screen.getByText("No approval is open.")).toBeVisible();
  });
});

describe("ApprovalPage", () => {
  it("shows what is approved, who has approved it and what follows", { tags: "page" }, async () => {
    const { screen } = await renderPage(ApprovalPage, address, api);

    await expect.element(screen.getByText("sha256:4f1c")).toBeVisible();
    await expect.element(screen.getByText("web:2")).toBeVisible();
    await expect.element(screen.getByText("looks right")).toBeVisible();
    await expect.element(screen.getByText("Starts: deploy.")).toBeVisible();
  });

  it("approves exactly what was shown, with the required comment", async () => {
    const { screen, sent } = await renderPage(ApprovalPage, address, {
      ...api,
      "POST /v1/approvals/web-prod/1/3/sign-off/a/approve": {
        eventId: "e",
        stackId: "web-prod",
        outcome: "applied",
        notes: [],
      },
    });
    await screen.getByRole("button", { name: "Approve…" }).click();
    const confirm = screen.getByRole("button", { name: "Approve", exact: true });
    await expect.element(confirm).toHaveAttribute("aria-disabled", "true");
    await screen.getByLabelText("Reason").fill("tested on staging");
    await confirm.click();

    await expect.element(screen.getByText("Approve: applied.")).toBeVisible();
    expect(sent.find(({ method }) => method === "POST")?.body).toMatchObject({
      comment: "tested on staging",
      of: "sha256:4f1c",
      id: expect.stringMatching(/^console-/),
    });
  });

  it("keeps the dialog with the reason of a refusal", async () => {
    const { screen } = await renderPage(ApprovalPage, address, {
      ...api,
      "POST /v1/approvals/web-prod/1/3/sign-off/a/reject": problem(409, "NOT_ALLOWED", "You asked for it yourself."),
    });
    await screen.getByRole("button", { name: "Reject…" }).click();
    await screen.getByLabelText("Reason").fill("no");
    await screen.getByRole("button", { name: "Reject", exact: true }).click();

    await expect.element(screen.getByText("You asked for it yourself.")).toBeVisible();
    await expect.element(screen.getByText(/NOT_ALLOWED/)).toBeVisible();
  });

  it("explains a button that the person cannot use", async () => {
    const rights = [{ permissions: ["read"] as const, machines: ["other"] }];
    const { screen } = await renderPage(ApprovalPage, address, { ...api, "GET /v1/me": { ...viewer, rights } });

    await expect
      .element(screen.getByRole("button", { name: "Approve…" }))
      .toHaveAccessibleDescription("Needs approve on web");
  });

  it("says that an approval is closed, and that a stack is absent", async () => {
    const closed = await renderPage(ApprovalPage, address, {
      ...api,
      "GET /v1/stacks/web-prod": { ...stack, approvals: [] },
    });
    await expect.element(closed.screen.getByText(/This approval is closed/)).toBeVisible();

    const absent = await renderPage(ApprovalPage, "/approval?stack=gone&task=sign-off", {});
    await expect.element(absent.screen.getByText("Not found, or you may not read it.")).toBeVisible();
  });
});
