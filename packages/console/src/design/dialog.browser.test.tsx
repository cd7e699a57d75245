import { useState } from "react";
import { expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { render } from "vitest-browser-react";
import "./base.css";
import { Button } from "./button.tsx";
import { ActionDialog, Dialog } from "./dialog.tsx";

function TwoDialogs() {
  const [open, setOpen] = useState<"first" | "second">();
  const close = () => setOpen(undefined);
  return (
    <>
      <Button onPress={() => setOpen("first")}>Open</Button>
      {open === "first" && (
        <Dialog title="First" onClose={close}>
          <Button onPress={() => setOpen("second")}>Next</Button>
        </Dialog>
      )}
      {open === "second" && (
        <Dialog title="Second" onClose={close}>
          <Button onPress={close}>Done</Button>
        </Dialog>
      )}
    </>
  );
}

it("returns the focus to its opener, also when another dialog has taken its place", async () => {
  const screen = await render(<TwoDialogs />);
  await screen.getByRole("button", { name: "Open" }).click();
  await screen.getByRole("button", { name: "Next" }).click();
  await expect.element(screen.getByRole("heading", { name: "Second" })).toBeVisible();

  await userEvent.keyboard("{Escape}");

  await expect.element(screen.getByRole("button", { name: "Open" })).toHaveFocus();
});

it("begins in its first field, and on the button where it has none", async () => {
  const common = { title: "Lock", verb: "Lock it", act: async () => undefined, onClose: () => undefined };
  const screen = await render(
    <ActionDialog {...common} reason="required">
      Nothing is sent.
    </ActionDialog>,
  );
  await expect.element(screen.getByRole("textbox", { name: "Reason" })).toHaveFocus();
  await screen.unmount();

  const simple = await render(<ActionDialog {...common}>Nothing is sent.</ActionDialog>);
  await expect.element(simple.getByRole("button", { name: "Lock it" })).toHaveFocus();
});
