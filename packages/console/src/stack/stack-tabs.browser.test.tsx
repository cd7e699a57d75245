import type { StackAt } from "@stackyard/sdk";
import { describe, expect, it, vi } from "vitest";
import { userEvent } from "vitest/browser";
import { useShortcuts } from "../app/shortcuts.tsx";
import { anAttempt, anEntry, aStack, stackApi } from "../testing/a-stack.ts";
import { problem, renderPage, type SentRequest, viewer } from "../testing/render-page.tsx";
import { StackPage } from "./stack-page.tsx";

function PageWithKeys() {
  useShortcuts({ openPalette() {}, openHelp() {} });
  return <StackPage />;
}

const history = [
  anEntry(3, {
    event: "TASK_ERROR",
    eventId: "result:pr-12/open/1/database/1",
    internal: true,
    task: "database",
    code: "LAMBDA_FUNCTION_ERROR",
    description: "no room",
    from: "BUILD",
    to: "BUILD",
  }),
  anEntry(2, { event: "PUSHED", outcome: "parked", from: "BUILD", to: "BUILD", metadata: { sha: "beef" } }),
  anEntry(1, { event: "OPENED", to: "BUILD", sent: ["network", "database"], metadata: { sha: "4f1c" }, actor: "ada" }),
];

const then: StackAt = {
  stackId: "pr-12",
  position: 1,
  at: "2026-11-20T03:00:01Z",
  event: "OPENED",
  outcome: "applied",
  state: "BUILD",
  stack: { id: "pr-12", machine: "review-app", state: "BUILD", metadata: { sha: "0000" }, tasks: [] },
};

const api = {
  ...stackApi(aStack(), history),
  "GET /v1/stacks/pr-12/at/1": then,
  "GET /v1/stacks/pr-12/at/2": { ...then, position: 2 },
  "GET /v1/stacks/pr-12/at/3": { ...then, position: 3, incomplete: "A revision is missing." },
};

describe("the history of a stack", () => {
  it("has lanes, and goes through positions by keys, with the difference to now", { tags: "page" }, async () => {
    const { screen, address } = await renderPage(PageWithKeys, "/stack?id=pr-12&tab=history", api);

    await expect.element(screen.getByText("A revision is missing.")).toBeVisible();
    await expect.element(screen.getByRole("button", { name: /^database: failed/ })).toBeVisible();
    await userEvent.keyboard(",,");

    await expect.poll(address).toContain("at=1");
    const differences = screen.getByRole("region", { name: "Difference to now" });
    await expect.element(differences).toMatchTextContent(/sha\s*0000\s*4f1cab12/);
    await expect.element(screen.getByRole("link", { name: "Simulate from here" })).toBeVisible();
    await expect.element(screen.getByText(/^Created/)).toBeVisible();
    await userEvent.keyboard(".");
    await expect.poll(address).toContain("at=2");
  });

  it("lists all lines, and says where an old history begins", async () => {
    const old = [anEntry(9, { from: "LIVE", to: "LIVE", code: "EVENT_NOT_HANDLED", outcome: "parked" })];
    const { screen } = await renderPage(StackPage, "/stack?id=pr-12&tab=history&view=all", stackApi(aStack(), old));

    await expect.element(screen.getByRole("region", { name: "History" })).toMatchTextContent("EVENT_NOT_HANDLED");
    await expect.element(screen.getByText(/^Begins/)).toBeVisible();
  });

  it("loads earlier lines on demand", async () => {
    const { screen } = await renderPage(StackPage, "/stack?id=pr-12&tab=history", {
      ...stackApi(aStack()),
      "GET /v1/stacks/pr-12/history": ({ query }: SentRequest) =>
        query["cursor"] === undefined
          ? { items: Array.from({ length: 200 }, (_, index) => anEntry(300 - index)), cursor: "older" }
          : { items: history },
    });

    await screen.getByRole("button", { name: "Load earlier lines" }).click();
    await expect.element(screen.getByText("203 of 203")).toBeVisible();
  });
});

describe("the attempts of a stack", () => {
  it("shows two side by side with their errors and logs", async () => {
    const stack = aStack({ attempts: [anAttempt({ attempt: 2 }), anAttempt()] });
    const { screen } = await renderPage(StackPage, "/stack?id=pr-12&tab=attempts", stackApi(stack, history));

    await expect.element(screen.getByText("Select two attempts to see them side by side.")).toBeVisible();
    await screen.getByRole("checkbox", { name: "Compare attempt 1 of database" }).click();
    await screen.getByRole("checkbox", { name: "Compare attempt 2 of database" }).click();

    const first = screen.getByRole("region", { name: "Attempt 1 of database" });
    await expect.element(first).toMatchTextContent("LAMBDA_FUNCTION_ERROR no room");
    await expect.element(first).toMatchTextContent("ERROR no room");
    await expect.element(screen.getByRole("region", { name: "Attempt 2 of database" })).toBeVisible();
  });

  it("marks the lines that only one of two attempts has written", async () => {
    const stack = aStack({ attempts: [anAttempt({ attempt: 2 }), anAttempt()] });
    const [first, second] = stack.attempts.map(({ attemptId }) => attemptId);
    const { screen } = await renderPage(StackPage, "/stack?id=pr-12&tab=attempts", {
      ...stackApi(stack, history),
      [`GET /v1/attempts/${first}/log`]: () => new Response("took 3s\ncreated\n"),
      [`GET /v1/attempts/${second}/log`]: () => new Response("took 61s\ndenied\n"),
    });

    await screen.getByRole("checkbox", { name: "Compare attempt 1 of database" }).click();
    await screen.getByRole("checkbox", { name: "Compare attempt 2 of database" }).click();

    const marked = () => [...document.querySelectorAll(".of-one")].map(({ textContent }) => textContent);
    await expect.poll(marked).toEqual(["denied (only in this attempt)", "created (only in this attempt)"]);
  });

  it("says why the log of a compared attempt cannot be loaded", async () => {
    const stack = aStack({ attempts: [anAttempt()] });
    const { screen } = await renderPage(StackPage, "/stack?id=pr-12&tab=attempts", {
      ...stackApi(stack, history),
      [`GET /v1/attempts/${anAttempt().attemptId}/log`]: problem(
        503,
        "LOGS_UNAVAILABLE",
        "The bucket does not answer.",
      ),
    });

    await screen.getByRole("checkbox", { name: "Compare attempt 1 of database" }).click();

    const compared = screen.getByRole("region", { name: "Attempt 1 of database" });
    await expect.element(compared.getByText("The bucket does not answer.")).toBeVisible();
  });

  it("says that nothing was sent", async () => {
    const { screen } = await renderPage(StackPage, "/stack?id=pr-12&tab=attempts", stackApi(aStack({ attempts: [] })));

    await expect.element(screen.getByText("No task was sent yet.")).toBeVisible();
  });
});

describe("the metadata of a stack", () => {
  const address = "/stack?id=pr-12&tab=metadata";

  it("names the event that has set a key, and links only http addresses", async () => {
    const stack = aStack({ metadata: { sha: "4f1c", url: "https://a.example/", bad: "javascript:alert(1)" } });
    const { screen } = await renderPage(StackPage, address, stackApi(stack, history));

    const table = screen.getByRole("region", { name: "Metadata" });
    await expect
      .element(table.getByRole("link", { name: "OPENED" }))
      .toHaveAttribute("href", "/stack?id=pr-12&tab=history&at=1");
    await expect.element(table.getByRole("link", { name: /a\.example/ })).toHaveAttribute("rel", "noopener noreferrer");
    expect(document.querySelector("a[href^=javascript]")).toBeNull();
  });

  it("says that it looks for the events in the newest 1,000 lines", async () => {
    const stack = aStack({ metadata: { sha: "4f1c" } });
    const { screen } = await renderPage(StackPage, address, {
      ...stackApi(stack),
      "GET /v1/stacks/pr-12/history": { items: [anEntry(2_000)], cursor: "1000" },
    });

    await expect.element(screen.getByText(/in the newest 1,000 lines/)).toBeVisible();
  });

  it("collapses 5 MB of metadata: long values, and keys after the first 200", async () => {
    const long = Array.from({ length: 300 }, (_, index) => [`key-${index}`, index < 50 ? "x".repeat(100_000) : "y"]);
    const stack = aStack({ metadata: Object.fromEntries(long) });
    const { screen } = await renderPage(StackPage, address, stackApi(stack));

    await expect.element(screen.getByRole("button", { name: "Show all (98 KiB)" }).first()).toBeVisible();
    expect(document.body.textContent.length).toBeLessThan(100_000);
    await screen.getByRole("button", { name: "Show more (100)" }).click();
    await expect.element(screen.getByText("key-299")).toBeVisible();
    await screen.getByRole("searchbox", { name: "Filter by key" }).fill("nowhere");
    await expect.element(screen.getByText('Nothing matches these filters: the key "nowhere".')).toBeVisible();
    await screen.getByRole("button", { name: "Clear filters" }).click();
    await expect.element(screen.getByText("key-7", { exact: true })).toBeVisible();
  });

  it("reveals a sensitive value with a reason, for 30 seconds", async () => {
    const stack = aStack({ metadata: { password: "***" } });
    const { screen, sent } = await renderPage(StackPage, address, {
      ...stackApi(stack),
      "POST /v1/stacks/pr-12/secrets/password/reveal": { stackId: "pr-12", key: "password", value: "s3cret" },
    });
    await screen.getByRole("button", { name: "Reveal password…" }).click();
    await screen.getByLabelText("Reason").fill("incident 7");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const setTimer = vi.spyOn(window, "setTimeout");
    try {
      await screen.getByRole("button", { name: "Reveal", exact: true }).click();
      await expect.element(screen.getByText("s3cret")).toBeInTheDocument();
      // The value can be there before its timer.
      await expect.poll(() => setTimer.mock.calls.map(([, delay]) => delay)).toContain(30_000);
      vi.advanceTimersByTime(30_000);
    } finally {
      setTimer.mockRestore();
      vi.useRealTimers();
    }

    await expect.element(screen.getByText("s3cret")).not.toBeInTheDocument();
    expect(sent.find(({ path }) => path.endsWith("/reveal"))?.body).toEqual({ reason: "incident 7" });
  });

  it("says what revealing needs", async () => {
    const stack = aStack({ metadata: { password: "***" } });
    const { screen } = await renderPage(StackPage, address, { ...stackApi(stack), "GET /v1/me": viewer });

    await expect
      .element(screen.getByRole("button", { name: "Reveal password…" }))
      .toHaveAccessibleDescription("Needs secrets:read on review-app");
  });
});

describe("the machine of a stack", () => {
  it("shows the text of the stack's revision, and that a newer one is current", async () => {
    const stack = aStack({ machineHash: "a".repeat(64) });
    const { screen } = await renderPage(StackPage, "/stack?id=pr-12&tab=machine", {
      ...stackApi(stack),
      [`GET /v1/revisions/${stack.machineHash}`]: { source: "version: 2\n# \u202eold\n" },
    });

    await expect.element(screen.getByText("Current is c3435a5e2f4e")).toBeVisible();
    await expect.element(screen.getByText(/‹U\+202E›old/)).toBeVisible();
    const colored = [...document.querySelectorAll(".source-lines span")].map(({ className, textContent }) => [
      className,
      textContent,
    ]);
    expect(colored).toEqual([
      ["source-key", "version"],
      ["source-literal", "2"],
      ["source-comment", "# ‹U+202E›old"],
    ]);
    expect(document.querySelectorAll(".source-lines > li")).toHaveLength(2);
  });
});
