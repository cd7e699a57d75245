import { describe, expect, it } from "vitest";
import { COMMANDS } from "./command-line.ts";
import { toReference } from "./reference.ts";

describe("docs/cli.md", () => {
  it("is the reference of the present commands (write it anew with `npx vitest run packages/cli/src/reference -u`)", async () => {
    await expect(toReference(COMMANDS)).toMatchFileSnapshot("../../../docs/cli.md");
  });
});
