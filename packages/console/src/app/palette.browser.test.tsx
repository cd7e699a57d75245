import type { StackSummary } from "@stackyard/sdk";
import { useState } from "react";
import { describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { Button } from "../design/button.tsx";
import { Page } from "../design/page.tsx";
import { problem, renderPage, type SentRequest } from "../testing/render-page.tsx";
import { aStack } from "../testing/stacks.ts";
import { Palette } from "./palette.tsx";

const stacks = ["pr-31", "pr-7", "pr-70"].map((id) => aStack(id));
const NAVIGATION = [
  ["/", "Overview"],
  ["/stacks", "Stacks"],
] as const;

function PaletteAlone() {
  return <Palette navigation={NAVIGATION} onClose={() => {}} />;
}

function PaletteOverPage() {
  const [open, setOpen] = useState(false);
  const [pressed, setPressed] = useState("nothing");
  return (
    <Page
      title="A page"
      actions={
        <>
          <Button onPress={() => setPressed("halt")}>Halt…</Button>
          <Button refusal="Needs repair">Repair…</Button>
        </>
      }
    >
      <p>Pressed: {pressed}</p>
      <Button onPress={() => setOpen(true)}>Open</Button>
      {open && <Palette navigation={NAVIGATION} onClose={() => setOpen(false)} />}
    </Page>
  );
}

function matching({ query }: SentRequest): { readonly items: readonly StackSummary[] } {
  return { items: stacks.filter(({ id }) => id.includes(query["text"] ?? "")) };
}

describe("Palette", () => {
  it("opens the stack of the text when Enter is pressed before the server has answered", async () => {
    const last = Promise.withResolvers<void>();
    const { screen, sent, address } = await renderPage(PaletteAlone, "/", {
      "GET /v1/stacks": async (request: SentRequest) => {
        if (request.query["text"] === "pr-7") await last.promise;
        return matching(request);
      },
    });
    await screen.getByRole("combobox").fill("pr-");
    await expect.element(screen.getByRole("option", { name: "Stack pr-31" })).toBeVisible();

    await userEvent.keyboard("7{Enter}");
    await expect.poll(() => sent.at(-1)?.query["text"]).toBe("pr-7");
    expect(address()).toBe("/");
    last.resolve();

    await expect.poll(address).toBe("/stack?id=pr-7");
  });

  it("leaves the keys of a composition to the input method, and Enter that is held (bb#3413, bb#3415, paseo#309)", async () => {
    const { screen, address } = await renderPage(PaletteAlone, "/", { "GET /v1/stacks": matching });
    await screen.getByRole("combobox").fill("pr-7");
    await expect.element(screen.getByRole("option", { name: "Stack pr-70" })).toBeVisible();
    const press = (init: KeyboardEventInit) =>
      screen
        .getByRole("combobox")
        .element()
        .dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, ...init }));

    press({ isComposing: true });
    press({ isComposing: true, key: "ArrowDown" });
    press({ repeat: true });
    await expect.element(screen.getByRole("combobox")).toBeVisible();
    expect(address()).toBe("/");

    press({});
    await expect.poll(address).toBe("/stack?id=pr-7");
  });

  it("stays open with what was typed by the Escape that ends a composition (mui/base-ui#699, mantine#7700)", async () => {
    const { screen } = await renderPage(PaletteOverPage, "/", { "GET /v1/stacks": matching });
    await screen.getByRole("button", { name: "Open" }).click();
    const field = screen.getByRole("combobox");
    await field.fill("pr");
    const pressEscape = (init: KeyboardEventInit) =>
      field.element().dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, ...init }));

    pressEscape({ isComposing: true });
    await expect.element(screen.getByRole("option", { name: "Stack pr-7", exact: true })).toBeVisible();
    await expect.element(field).toHaveValue("pr");

    pressEscape({});
    await expect.element(field).not.toBeInTheDocument();
  });

  it("shows the stack whose id is the text first", async () => {
    const { screen } = await renderPage(PaletteAlone, "/", {
      "GET /v1/stacks": { items: [aStack("a-pr-7"), ...stacks] },
    });

    await screen.getByRole("combobox").fill("pr-7");

    await expect.element(screen.getByRole("option").first()).toHaveTextContent("Stack pr-7");
  });

  it("opens the entry that the arrows chose", async () => {
    const { screen, address } = await renderPage(PaletteAlone, "/", { "GET /v1/stacks": matching });
    await screen.getByRole("combobox").fill("sta");
    await expect.element(screen.getByRole("option", { name: "Screen Stacks" })).toBeVisible();
    await screen.getByRole("combobox").fill("pr-7");
    await expect.element(screen.getByRole("option", { name: "Stack pr-70" })).toBeVisible();

    await userEvent.keyboard("{ArrowDown}{Enter}");

    await expect.poll(address).toBe("/stack?id=pr-70");
  });

  it("presses an action of the page that is behind it, by its name", async () => {
    const { screen } = await renderPage(PaletteOverPage, "/", { "GET /v1/stacks": { items: [] } });
    await screen.getByRole("button", { name: "Open" }).click();

    await screen.getByRole("combobox").fill("halt");
    await expect.element(screen.getByRole("option", { name: "Action Halt…" })).toBeVisible();
    await userEvent.keyboard("{Enter}");

    await expect.element(screen.getByText("Pressed: halt")).toBeVisible();
  });

  it("says why an action of the page is refused", async () => {
    const { screen } = await renderPage(PaletteOverPage, "/", { "GET /v1/stacks": { items: [] } });
    await screen.getByRole("button", { name: "Open" }).click();

    await screen.getByRole("combobox").fill("repair");

    await expect.element(screen.getByRole("option", { name: "Action Repair… Needs repair" })).toBeVisible();
  });

  // kubestellar/ui#1713, pixie#1045, sourcegraph-public-snapshot#38466, solomd#92
  it("keeps the choice in view, and tells it to screen readers", async () => {
    const many = Array.from({ length: 20 }, (_, index) => aStack(`pr-${100 + index}`));
    const { screen } = await renderPage(PaletteAlone, "/", {
      "GET /v1/stacks": { items: many, cursor: "c" },
      "GET /v1/stack-counts": { total: 168 },
    });
    const field = screen.getByRole("combobox");
    await field.fill("pr-");
    await expect.element(screen.getByRole("option", { name: "Stack pr-119" })).toBeInTheDocument();

    await userEvent.keyboard("{ArrowDown>18}");

    const chosen = screen.getByRole("option", { selected: true });
    await expect.element(chosen).toHaveTextContent("Stack pr-118");
    await expect.element(chosen).toBeInViewport();
    await expect.element(field).toHaveAttribute("aria-activedescendant", chosen.element().id);
    await expect.element(field).toHaveAttribute("aria-controls", screen.getByRole("listbox").element().id);
    await expect.element(screen.getByText("20 of 168 stacks. Type on to find the others.")).toBeVisible();
  });

  // mlrun/ui#2648, nanodash#207
  it("says that it could not search, and not that nothing matches", async () => {
    const { screen } = await renderPage(PaletteAlone, "/", {
      "GET /v1/stacks": () => problem(503, "STORE_UNAVAILABLE", "The store does not answer."),
    });

    await screen.getByRole("combobox").fill("pr-7");

    await expect.element(screen.getByRole("alert").first()).toBeVisible();
    await expect.element(screen.getByText("No match.")).not.toBeInTheDocument();
  });
});
