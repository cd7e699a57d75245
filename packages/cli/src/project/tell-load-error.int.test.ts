import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { makeTempProject } from "../testing/temp-project.ts";
import { tellLoadError } from "./tell-load-error.ts";

describe("tellLoadError", () => {
  const { folder, remove } = makeTempProject({
    "broken.mjs": "export default {\n  plugins: [],\n  concurrency: }\n",
    "sound.mjs": 'import "./broken.mjs";\n',
  });
  afterEach(remove);

  it("names the line of a syntax error", async () => {
    const error = new SyntaxError("Unexpected token '}'");
    const [broken, sound] = [join(folder, "broken.mjs"), join(folder, "sound.mjs")];

    expect(await Promise.all([tellLoadError(error, broken), tellLoadError(error, sound)])).toEqual([
      `SyntaxError at ${broken}:3: Unexpected token '}'`,
      `Unexpected token '}' (a syntax error in what ${sound} imports)`,
    ]);
  });

  it("takes the line out of the error where it is there, as in TypeScript", async () => {
    const error = new SyntaxError("Expression expected");
    error.stack = `/home/kim/stackyard.config.ts:4\n  b: }\n     ^\n\n${error.stack}`;

    expect(await tellLoadError(error, "/home/kim/stackyard.config.ts")).toBe(
      "SyntaxError at /home/kim/stackyard.config.ts:4: Expression expected",
    );
  });

  it("leaves other errors as they are", async () => {
    expect(await tellLoadError(new Error("no leaves"), "/x.mjs")).toBe("no leaves");
    expect(await tellLoadError("odd", "/x.mjs")).toBe("odd");
  });
});
