import type { Preview, UpgradePlan } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import { queryClient } from "../../api/client.ts";
import { anAttempt, applied, aStack, stackApi } from "../../testing/a-stack.ts";
import { problem, renderPage } from "../../testing/render-page.tsx";
import { StackPage } from "../stack-page.tsx";

const ADDRESS = "/stack?id=pr-12";
const preview: Preview = { outcome: "applied", from: "BUILD", to: "ROLL-OUT", sent: ["app"], notes: [], events: [] };

describe("sending an event", () => {
  const api = {
    ...stackApi(aStack()),
    "POST /v1/stacks/pr-12/simulate": preview,
    "POST /v1/events": { results: [{ kind: "accepted", eventId: "e9", stackId: "pr-12" }] },
  };

  it("requests what the event must bring, previews it, and sends it under the id of the dialog", async () => {
    const { screen, sent } = await renderPage(StackPage, ADDRESS, api);
    await screen.getByRole("button", { name: "Send event…" }).click();

    const send = screen.getByRole("button", { name: "Send PUSHED" });
    await expect.element(send).toHaveAccessibleDescription("Enter sha first");
    await screen.getByLabelText(/^sha/).fill("4f1c");
    await expect.element(screen.getByRole("region", { name: "Preview" })).toMatchTextContent(/BUILD → ROLL-OUT/);
    await expect.element(screen.getByRole("region", { name: "Preview" })).toMatchTextContent(/Starts app/);
    await send.click();

    await expect
      .poll(() => sent.find(({ path }) => path === "/v1/events")?.body)
      .toMatchObject([
        { stackId: "pr-12", event: "PUSHED", metadata: { sha: "4f1c" }, id: expect.stringMatching(/^console-/) },
      ]);
  });

  // argo-cd#20285: a press outside of a form discarded what was typed.
  it("stays open at a press outside of it once something was typed, and closes before", async () => {
    await page.viewport(1_200, 900);
    const { screen } = await renderPage(StackPage, ADDRESS, api);
    const dialog = screen.getByRole("dialog");
    const pressBeside = () =>
      userEvent.click(page.elementLocator(document.querySelector(".overlay") ?? document.body), {
        position: { x: 5, y: 5 },
      });
    await screen.getByRole("button", { name: "Send event…" }).click();
    await expect.element(dialog).toBeVisible();
    await pressBeside();
    await expect.element(dialog).not.toBeInTheDocument();

    await screen.getByRole("button", { name: "Send event…" }).click();
    await screen.getByLabelText(/^sha/).fill("4f1c");
    await pressBeside();

    await expect.element(screen.getByLabelText(/^sha/)).toHaveValue("4f1c");
    await userEvent.keyboard("{Escape}");
    await expect.element(dialog).not.toBeInTheDocument();
  });

  it("says that an event would be parked", async () => {
    const refused: Preview = {
      outcome: "refused",
      code: "EVENT_NOT_HANDLED",
      reason: "Not now.",
      sent: [],
      notes: [],
      events: [],
    };
    const { screen } = await renderPage(StackPage, ADDRESS, { ...api, "POST /v1/stacks/pr-12/simulate": refused });
    await screen.getByRole("button", { name: "Send event…" }).click();
    await screen.getByRole("combobox", { name: /^Event/ }).selectOptions("MERGED");

    await expect
      .element(screen.getByRole("region", { name: "Preview" }))
      .toMatchTextContent(/Would be parkedNot now\./);
  });

  it("requires the id where a protected state leads to the end", async () => {
    const { screen, sent } = await renderPage(StackPage, ADDRESS, {
      ...api,
      "POST /v1/stacks/pr-12/simulate": { ...preview, outcome: "removed", to: "GONE" },
    });
    await screen.getByRole("button", { name: "Send event…" }).click();
    await screen.getByRole("combobox", { name: /^Event/ }).selectOptions("MERGED");

    const send = screen.getByRole("button", { name: "Send MERGED" });
    await expect.element(send).toHaveAccessibleDescription("Type pr-12 first");
    await screen.getByLabelText(/to confirm/).fill("pr-12");
    await send.click();

    await expect.poll(() => sent.find(({ path }) => path === "/v1/events")?.body).toMatchObject([{ confirm: "pr-12" }]);
  });
});

describe("operations on a stack", () => {
  it("removes only with a reason and the typed id", async () => {
    const api = { ...stackApi(aStack()), "POST /v1/stacks/pr-12/remove": applied };
    const { screen, sent } = await renderPage(StackPage, ADDRESS, api);
    await screen.getByRole("button", { name: "More actions" }).click();
    await screen.getByRole("button", { name: "Remove…" }).click();

    const remove = screen.getByRole("button", { name: "Remove stack" });
    await expect.element(remove).toHaveAccessibleDescription("Enter a reason first");
    await screen.getByLabelText("Reason").fill("gone by hand");
    await expect.element(remove).toHaveAccessibleDescription("Type pr-12 first");
    await screen.getByLabelText(/to confirm/).fill("pr-12");
    await remove.click();

    await expect
      .poll(() => sent.find(({ path }) => path.endsWith("/remove"))?.body)
      .toMatchObject({ force: true, reason: "gone by hand" });
  });

  it("cancels the task of a row", async () => {
    const running = anAttempt({ status: "running" });
    const stack = aStack({
      failed: false,
      tasks: [{ name: "database", status: "PENDING", why: "Runs.", attempt: running }],
      attempts: [running],
    });
    const api = { ...stackApi(stack), "POST /v1/stacks/pr-12/cancel": { ...applied, outcome: "applied" } };
    const { screen, sent } = await renderPage(StackPage, ADDRESS, api);

    await screen.getByRole("button", { name: "Cancel database…" }).click();
    await screen.getByRole("button", { name: "Cancel task" }).click();

    await expect
      .poll(() => sent.find(({ path }) => path.endsWith("/cancel"))?.body)
      .toMatchObject({ task: "database" });
    await expect.element(screen.getByRole("status")).toMatchTextContent(/Cancel database: applied/);
  });

  it.each([
    ["Settle…", "Settle task", "settle", { attempt: anAttempt().attemptId }],
    ["Cancel…", "Cancel task", "cancel", { attempt: anAttempt().attemptId }],
    ["Remove…", "Remove stack", "remove", { incarnation: "open" }],
  ])(
    "is about what %s was opened for, though something else has its name at the press",
    async (open, press, path, seen) => {
      const pending = (attempt: number) => {
        const running = anAttempt({ attempt, status: path === "cancel" ? "running" : "settled" });
        const status = path === "cancel" ? ("PENDING" as const) : ("ERROR" as const);
        return aStack({ tasks: [{ name: "database", status, why: "…", attempt: running }], attempts: [running] });
      };
      let now = pending(1);
      const { screen, sent } = await renderPage(StackPage, ADDRESS, {
        ...stackApi(now),
        "GET /v1/stacks/pr-12": () => now,
        [`POST /v1/stacks/pr-12/${path}`]: problem(
          409,
          "STACK_CHANGED",
          "Something else is there. Look at the stack again.",
        ),
      });
      await screen.getByRole("button", { name: "More actions" }).click();
      await screen.getByRole("button", { name: open, exact: true }).click();
      await screen.getByLabelText(/^Reason/).fill("as I have seen it");
      if (path === "remove") await screen.getByLabelText(/to confirm/).fill("pr-12");
      now = { ...pending(2), incarnation: "open-2", entry: 7 };
      await queryClient.invalidateQueries();
      await screen.getByRole("dialog").getByRole("button", { name: press }).click();

      await expect.element(screen.getByRole("alert")).toMatchTextContent(/Something else is there/);
      expect(sent.find(({ method }) => method === "POST")?.body).toMatchObject({ seen });
    },
  );

  it("keeps the dialog with an error, and repeats under the same id", async () => {
    let tries = 0;
    const api = {
      ...stackApi(aStack()),
      "POST /v1/stacks/pr-12/settle": () => {
        tries += 1;
        return tries === 1 ? problem(409, "TASK_NOT_RUNNING", "Task is not running.") : applied;
      },
    };
    const { screen, sent } = await renderPage(StackPage, ADDRESS, api);
    await screen.getByRole("button", { name: "More actions" }).click();
    await screen.getByRole("button", { name: "Settle…" }).click();
    await screen.getByLabelText("Reason").fill("made by hand");
    const settle = screen.getByRole("button", { name: "Settle task" });
    await settle.click();
    await expect.element(screen.getByRole("alert")).toMatchTextContent(/Task is not running\./);
    await settle.click();

    await expect.element(screen.getByRole("status")).toMatchTextContent(/Settle database: applied/);
    const bodies = sent.filter(({ path }) => path.endsWith("/settle")).map(({ body }) => body as { id: string });
    expect(bodies[0]?.id).toBe(bodies[1]?.id);
  });

  it("upgrades after a dry run that shows the differences", async () => {
    const plan: UpgradePlan = {
      stackId: "pr-12",
      machine: "review-app",
      from: aStack().machineHash,
      to: "f".repeat(64),
      outcome: "applied",
      notes: ['The timer of "CHECK" stops. It was due at 2030-01-02T03:00:00.000Z.'],
      events: [],
      replayed: 7,
      differences: [],
      more: 0,
      end: [{ what: "state", before: "BUILD", after: "PLAN" }],
    };
    const api = {
      ...stackApi(aStack()),
      "GET /v1/stacks/pr-12/upgrade-plan": plan,
      "POST /v1/stacks/pr-12/upgrade": applied,
    };
    const { screen, sent } = await renderPage(StackPage, ADDRESS, api);
    await screen.getByRole("button", { name: "More actions" }).click();
    await screen.getByRole("button", { name: "Upgrade…" }).click();

    const dryRun = screen.getByRole("region", { name: "Dry run" });
    const replay = dryRun.getByRole("region", { name: "Had it always run on this revision" });
    await expect.element(dryRun).toMatchTextContent(/Would be applied.*Stays in BUILD\. The upgrade starts no task/);
    await expect.element(replay).toMatchTextContent(/The upgrade does not do this:\s*state: BUILD → PLAN/);
    await expect.element(replay).not.toMatchTextContent(/Would be applied|Stays in/);
    await screen.getByRole("button", { name: "Upgrade", exact: true }).click();

    await expect.element(screen.getByRole("status")).toMatchTextContent(/Upgrade: applied/);
    const bodies = sent.filter(({ path }) => path.endsWith("/upgrade")).map(({ body }) => body);
    expect(bodies).toEqual([{ id: expect.stringMatching(/^console-/) }]);
  });
});
