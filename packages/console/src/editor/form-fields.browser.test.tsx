import { expect, it, vi } from "vitest";
import { userEvent } from "vitest/browser";
import { render } from "vitest-browser-react";
import { TextField } from "./form-fields.tsx";

it("keeps what is being typed when the value that was entered before comes late", async () => {
  const onEnter = vi.fn();
  const toField = (value: string) => <TextField label="Attempts" value={value} onEnter={onEnter} />;
  const { getByLabelText, rerender } = await render(toField(""));
  const field = getByLabelText("Attempts");

  await field.fill("03");
  await userEvent.keyboard("{Enter}");
  await field.fill("thr");
  await rerender(toField("3"));
  await userEvent.keyboard("ice{Enter}");

  expect(onEnter.mock.calls).toEqual([["03"], ["thrice"]]);
  await rerender(toField("4"));
  await expect.element(field).toHaveValue("4");
});
