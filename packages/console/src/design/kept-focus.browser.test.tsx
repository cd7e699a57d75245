import { useEffect, useState } from "react";
import { expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { render } from "vitest-browser-react";
import "./base.css";
import { Button } from "./button.tsx";
import { ActionDialog } from "./dialog.tsx";
import { keepFocus } from "./kept-focus.ts";
import { Panel } from "./page.tsx";

/** Two rows: an action takes its button away, or the whole row. */
function Rows({ takes }: { readonly takes: "button" | "row" | "panel" }) {
  const [isDone, setDone] = useState(false);
  const [isOpen, setOpen] = useState(false);
  useEffect(keepFocus, []);
  return (
    <main>
      <h1 tabIndex={-1}>Inbox</h1>
      {(!isDone || takes !== "panel") && (
        <Panel title="Failed">
          <ul>
            {["pr-1", "pr-2"]
              .map((id) => (
                <li key={id} data-row={id}>
                  <a className="button" href={`#${id}`}>
                    {id}
                  </a>
                  {!(isDone && id === "pr-1") && (
                    <Button label={`Settle ${id}`} onPress={() => setOpen(true)}>
                      Settle…
                    </Button>
                  )}
                </li>
              ))
              .filter((_, index) => !(isDone && takes === "row" && index === 0))}
          </ul>
        </Panel>
      )}
      {isOpen && (
        <ActionDialog title="Settle" verb="Settle" act={async () => setDone(true)} onClose={() => setOpen(false)}>
          It counts as done.
        </ActionDialog>
      )}
    </main>
  );
}

it.each([
  ["button", "link", "pr-1"],
  ["row", "heading", "Failed"],
  ["panel", "heading", "Inbox"],
] as const)(
  "is at what an action was about when that takes the %s away (grafana#95721, grafana#66242, otari#926)",
  async (takes, role, name) => {
    const screen = await render(<Rows takes={takes} />);
    await screen.getByRole("button", { name: "Settle pr-1" }).click();

    await screen.getByRole("button", { name: "Settle", exact: true }).click();

    await expect.element(screen.getByRole(role, { name })).toHaveFocus();
  },
);

it("stays where a person has put it, also when something else goes", async () => {
  const screen = await render(<Rows takes="button" />);
  await screen.getByRole("button", { name: "Settle pr-1" }).click();
  await userEvent.keyboard("{Escape}");
  await expect.element(screen.getByRole("button", { name: "Settle pr-1" })).toHaveFocus();

  await screen.getByRole("link", { name: "pr-2" }).click();

  await expect.element(screen.getByRole("link", { name: "pr-2" })).toHaveFocus();
});
