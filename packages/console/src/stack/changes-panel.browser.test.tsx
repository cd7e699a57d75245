import { expect, it } from "vitest";
import { page } from "vitest/browser";
import { anEntry, aStack, stackApi } from "../testing/a-stack.ts";
import { renderPage, viewer } from "../testing/render-page.tsx";
import { StackPage } from "./stack-page.tsx";

const ADDRESS = "/stack?id=pr-12";
const OLD_HASH = "beef5a5e2f4e1490e53a289ca973c396253c54eee71489b0ab6513183a7face4";

const history = [
  anEntry(5, { event: "TASK_ERROR", internal: true, task: "database", eventId: "x:other" }),
  anEntry(4, {
    event: "PUSHED",
    actor: "token:ci",
    from: "LIVE",
    to: "BUILD",
    metadata: { sha: "4f1cab12", password: "***", replicas: 5 },
  }),
  anEntry(3, { event: "NEXT", internal: true, from: "BUILD", to: "LIVE", machineHash: OLD_HASH }),
  anEntry(1, { event: "OPENED", to: "BUILD" }),
];
const then = {
  stackId: "pr-12",
  position: 3,
  at: "2026-11-20T03:00:03.000Z",
  event: "NEXT",
  outcome: "applied",
  state: "LIVE",
  stack: {
    machine: "review-app",
    state: "LIVE",
    tasks: [],
    metadata: { sha: "9e0d", url: "https://pr-12.example.org/" },
  },
};
const preview = { outcome: "applied", from: "BUILD", to: "BUILD", sent: [], notes: [], events: [] };
const api = () => ({
  ...stackApi(aStack(), history),
  "GET /v1/stacks/pr-12/at/3": then,
  "POST /v1/stacks/pr-12/simulate": preview,
});

it("shows next to a failure what was otherwise before the last event from outside", async () => {
  await page.viewport(1_440, 900);
  const { screen } = await renderPage(StackPage, ADDRESS, api());
  const heading = screen.getByRole("heading", { name: "What changed before it failed" });
  await expect.element(heading).toBeVisible();
  const section = heading.element().closest("section");
  expect(section).not.toBeNull();
  const panel = page.elementLocator(section ?? document.body);

  await expect.element(panel).toMatchTextContent(/Event ?PUSHED by token:ci/);
  await expect.element(panel).toMatchTextContent(/State ?LIVE until then/);
  await expect.element(panel).toMatchTextContent(/sha ?9e0d.*4f1cab12/);
  await expect.element(panel).toMatchTextContent(/1 other values? (is|are) equal/);
  await expect.element(panel).toMatchTextContent(/review-app@beef.*c343/);
  const failure = screen.getByRole("region", { name: "Failures" }).element().getBoundingClientRect();
  expect(failure.right).toBeLessThanOrEqual(section?.getBoundingClientRect().left ?? 0);
});

it("sends the event again with its values, but not with hidden ones", async () => {
  const { screen, sent } = await renderPage(StackPage, ADDRESS, api());

  await screen.getByRole("button", { name: "Send PUSHED again with the same values…" }).click();

  const dialog = screen.getByRole("dialog");
  await expect.element(dialog.getByRole("combobox", { name: "Event" })).toHaveValue("PUSHED");
  await expect.element(dialog.getByRole("button", { name: "Send PUSHED" })).toBeVisible();
  const previewed = () => sent.filter(({ path }) => path.endsWith("/simulate")).map(({ body }) => body);
  await expect.poll(previewed).toEqual([{ event: "PUSHED", metadata: { sha: "4f1cab12", replicas: 5 } }]);
  await expect.element(dialog.getByText("Sent as before: replicas=5")).toBeVisible();
});

it("offers nothing to people who may not send, and compares with nothing at the first run", async () => {
  const reader = await renderPage(StackPage, ADDRESS, { ...api(), "GET /v1/me": viewer });
  await expect
    .element(reader.screen.getByRole("button", { name: "Send PUSHED again with the same values…" }))
    .toHaveAccessibleDescription(/send/);
  await reader.screen.unmount();

  const first = await renderPage(StackPage, ADDRESS, stackApi(aStack(), history.slice(3)));
  await expect.element(first.screen.getByRole("region", { name: "Failures" })).toBeVisible();
  await expect.element(first.screen.getByText("What changed before it failed")).not.toBeInTheDocument();
});
