import type { ApiToken, Session } from "@stackyard/sdk";
import { describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { problem, renderPage } from "../testing/render-page.tsx";
import { AccessPage } from "./access-page.tsx";

const token: ApiToken = {
  id: "t1",
  name: "ci",
  status: "active",
  role: "operator",
  stacks: ["web-"],
  groups: [],
  createdBy: { kind: "local", id: "ada", name: "ada" },
  createdAt: "2026-11-20T03:00:00Z",
};

const session: Session = {
  id: "s1",
  kind: "browser",
  who: { kind: "person", id: "p1", name: "ben" },
  groups: ["team-web"],
  createdAt: "2026-11-20T03:00:00Z",
  usedAt: "2026-11-20T03:00:00Z",
  endsAt: "2099-11-20T03:00:00Z",
  current: false,
};

describe("AccessPage", () => {
  it("shows who is signed in and what they may do", { tags: "page" }, async () => {
    const { screen } = await renderPage(AccessPage, "/access", {});

    await expect.element(screen.getByRole("heading", { name: "ada", exact: true })).toBeVisible();
    expect(screen.getByRole("heading", { name: "You", exact: true }).query()).toBeNull();
    await expect.element(screen.getByText(/states:read/)).toBeVisible();
    await expect.element(screen.getByRole("heading", { name: "Sessions" })).toBeVisible();
  });

  it("shows what each role includes, and which one the reader has", async () => {
    const { screen } = await renderPage(AccessPage, "/access", {});

    await expect.element(screen.getByRole("row", { name: /^operator read, approve, send, operate –$/ })).toBeVisible();
    await expect.element(screen.getByRole("row", { name: /^admin .*audit, access your role$/ })).toBeVisible();
  });

  it("has tokens and logins below each other, and tells two people with one name apart (grafana#17635)", async () => {
    const person = (id: string) => ({ kind: "person", id, name: "ada" });
    const { screen } = await renderPage(AccessPage, "/access", {
      "GET /v1/tokens": {
        items: ["p1", "p2"].map((id) => ({ ...token, id, name: `ci-${id}`, createdBy: person(id) })),
      },
      "GET /v1/sessions": { items: ["p1", "p2"].map((id) => ({ ...session, id, who: person(id) })) },
    });

    await expect.element(screen.getByRole("row", { name: /ci-p1 .*ada \(p1\)/ })).toBeVisible();
    await expect.element(screen.getByRole("row", { name: /ci-p2 .*ada \(p2\)/ })).toBeVisible();
    await expect.element(screen.getByRole("button", { name: "End the session of ada (p2)" })).toBeVisible();
  });

  it("says which of two sessions is this browser's (vutuv#794)", async () => {
    const own = { ...session, id: "s2", who: { kind: "person" as const, id: "p2", name: "ada" }, current: true };
    const { screen } = await renderPage(AccessPage, "/access", { "GET /v1/sessions": { items: [session, own] } });

    await expect.element(screen.getByRole("button", { name: "End the session of ada" })).toMatchTextContent(/this one/);
    await expect
      .element(screen.getByRole("button", { name: "End the session of ben" }))
      .not.toMatchTextContent(/this one/);
  });

  it("creates a token and shows its secret once", async () => {
    const { screen, sent } = await renderPage(AccessPage, "/access", {
      "GET /v1/tokens": { items: [token] },
      "POST /v1/tokens": { ...token, name: "grafana", token: "syt_secret" },
    });
    await expect.element(screen.getByText("operator on stacks web-…")).toBeVisible();
    await screen.getByRole("button", { name: "Create a token…" }).click();
    await screen.getByLabelText("Name").fill("grafana");
    await screen.getByLabelText(/Beginnings of stack ids/).fill("web-, api-");
    await screen.getByRole("button", { name: "Create", exact: true }).click();
    await expect.element(screen.getByText("syt_secret", { exact: true })).toBeVisible();
    const copied = screen.getByRole("button", { name: "I have copied it" });
    await expect.element(copied, { message: "a double click on Create" }).toHaveAttribute("aria-disabled", "true");
    await userEvent.keyboard("{Escape}");
    document.elementFromPoint(2, 2)?.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
    await expect.element(copied).not.toHaveAttribute("aria-disabled");
    await expect.element(screen.getByText("syt_secret", { exact: true })).toBeVisible();
    await copied.click();

    await expect.element(screen.getByText("syt_secret", { exact: true })).not.toBeInTheDocument();
    expect(sent.find(({ method }) => method === "POST")?.body).toEqual({
      name: "grafana",
      role: "viewer",
      expires: "90d",
      stacks: ["web-", "api-"],
    });
  });

  it("keeps the form when the token would have more rights than its creator", async () => {
    const { screen } = await renderPage(AccessPage, "/access", {
      "GET /v1/tokens": { items: [] },
      "POST /v1/tokens": problem(403, "FORBIDDEN", "A token cannot have more rights than you."),
    });
    await screen.getByRole("button", { name: "Create a token…" }).click();
    await screen.getByLabelText("Name").fill("grafana");
    await screen.getByRole("button", { name: "Create", exact: true }).click();

    await expect.element(screen.getByText("A token cannot have more rights than you.")).toBeVisible();
    await expect.element(screen.getByLabelText("Name")).toHaveValue("grafana");
  });

  it("ends the session of another person", async () => {
    const { screen, sent } = await renderPage(AccessPage, "/access", {
      "GET /v1/sessions": { items: [session] },
      "POST /v1/sessions/s1/revoke": session,
    });
    await screen.getByRole("button", { name: "End the session of ben" }).click();
    await screen.getByRole("button", { name: "End", exact: true }).click();

    await expect.element(screen.getByText("The session has ended.")).toBeVisible();
    expect(sent.some(({ path }) => path === "/v1/sessions/s1/revoke")).toBe(true);
  });
});
