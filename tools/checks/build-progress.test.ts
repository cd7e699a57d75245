import { expect, it } from "vitest";
import { createBuildProgress } from "./build-progress.ts";

function play(isTTY: boolean): string {
  let text = "";
  const show = createBuildProgress(
    {
      isTTY,
      write(part) {
        text += part;
      },
    },
    12,
  );
  show(1, "core");
  show(12, "stackyard");
  show(12, "");
  return text;
}

it("the progress of a build is a line a part", () => {
  expect(play(false)).toBe("   1/12 core\n  12/12 stackyard\n");
});

it("the progress of a build replaces its line on a terminal, and leaves none", () => {
  expect(play(true)).toBe("\r\u001b[K   1/12 core\r\u001b[K  12/12 stackyard\r\u001b[K");
});
