import { Type } from "typebox";
import { describe, expect, it } from "vitest";
import { formatVariableTable, type GivenVariables, parseEnvironment, readEnvironment } from "./environment.ts";

const Variables = Type.Object({
  PORT: Type.Integer({ description: "The port", minimum: 1, maximum: 65_535 }),
  HOST: Type.String({ description: "The host", maxLength: 20, default: "localhost" }),
  COLOR: Type.Optional(Type.Enum(["blue", "green", "red"], { description: "The color. Default: none" })),
  IS_OPEN: Type.Boolean({ description: "`true` opens it", default: false }),
  NAMES: Type.Array(Type.String({ pattern: "^[a-z]+$" }), {
    description: "Names. Default: none",
    expected: "names with commas between them",
    default: [],
  }),
});

const parse = (environment: Readonly<Record<string, string | undefined>>) =>
  parseEnvironment(Variables, environment, { app: "lighthouse" });

function findFaults(environment: Readonly<Record<string, string>>): readonly string[] {
  try {
    parse(environment);
    return [];
  } catch (error) {
    expect(error).toMatchObject({ code: "CONFIG_INVALID" });
    return String(error).split("\n  - ").slice(1);
  }
}

describe("parseEnvironment", () => {
  it("returns defaults for variables that are not set or empty", () => {
    const values = { PORT: 80, HOST: "localhost", IS_OPEN: false, NAMES: [] };

    expect(parse({ PORT: "80", OTHER: "x" })).toEqual(values);
    expect(parse({ PORT: "80", HOST: "", COLOR: "", IS_OPEN: "", NAMES: undefined })).toEqual(values);
  });

  it("converts numbers, switches and lists", () => {
    const environment = { PORT: "65535", HOST: "h", COLOR: "green", IS_OPEN: "true", NAMES: "a, b,c" };

    expect(parse(environment)).toEqual({
      PORT: 65_535,
      HOST: "h",
      COLOR: "green",
      IS_OPEN: true,
      NAMES: ["a", "b", "c"],
    });
  });

  it("lists everything that is wrong, and no value", () => {
    const environment = { HOST: "hunter2".repeat(3), COLOR: "hunter2", IS_OPEN: "hunter2", NAMES: "a,hunter2" };

    expect(findFaults(environment)).toEqual([
      "PORT is not set: it must be 1 to 65535.",
      "HOST must be a text of at most 20 characters.",
      "COLOR must be blue, green or red.",
      "IS_OPEN must be true or false.",
      "NAMES must be names with commas between them.",
    ]);
  });

  it.each(["0", "65536", "-1", "1.5", "1e3", "0x50", " 80"])("does not accept %j as a port", (PORT) => {
    expect(findFaults({ PORT })).toEqual(["PORT must be 1 to 65535."]);
  });

  it("adds what is wrong with the variables together", () => {
    const check = ({ COLOR, HOST }: GivenVariables<typeof Variables.properties>) =>
      COLOR === "red" && HOST === undefined ? ["A red one needs HOST."] : [];
    const attempt = () => parseEnvironment(Variables, { COLOR: "red" }, { app: "lighthouse", check });

    expect(attempt).toThrow(
      expect.objectContaining({
        message: `The environment of the lighthouse has 2 errors:
  - PORT is not set: it must be 1 to 65535.
  - A red one needs HOST.`,
      }),
    );
  });
});

describe("readEnvironment", () => {
  const Lenient = Type.Object({
    SHARE: Type.Number({ description: "The share", minimum: 0, maximum: 1, default: 1 }),
    COLOR: Type.Optional(Type.Enum(["blue", "green", "red"], { description: "The color" })),
  });

  it("reads what is valid, and returns no faults", () => {
    const environment = { SHARE: "0.25", COLOR: "red" };

    expect(readEnvironment(Lenient, environment)).toEqual({ values: { SHARE: 0.25, COLOR: "red" }, faults: [] });
    expect(readEnvironment(Lenient, { SHARE: "", COLOR: "" })).toEqual({ values: { SHARE: 1 }, faults: [] });
  });

  it("uses the defaults of invalid variables, and reports each", () => {
    expect(readEnvironment(Lenient, { SHARE: "2", COLOR: "pink" })).toEqual({
      values: { SHARE: 1 },
      faults: ["SHARE must be a number from 0 to 1.", "COLOR must be blue, green or red."],
    });
    expect(readEnvironment(Lenient, { SHARE: "half" }).values).toEqual({ SHARE: 1 });
  });
});

describe("formatVariableTable", () => {
  it("contains each variable with its default", () => {
    expect(formatVariableTable(Variables)).toBe(
      [
        "| variable | meaning |",
        "|---|---|",
        "| `PORT` | The port |",
        "| `HOST` | The host. Default: `localhost` |",
        "| `COLOR` | The color. Default: none |",
        "| `IS_OPEN` | `true` opens it. Default: `false` |",
        "| `NAMES` | Names. Default: none |",
      ].join("\n"),
    );
  });

  it("lists the keys of a map without a description by their places", () => {
    const Keys = Type.Object({
      server: Type.Object({ port: Type.Integer({ description: "The port", default: 80 }) }),
      logs: Type.Object({ bucket: Type.String() }, { description: "A place" }),
    });

    expect(formatVariableTable(Keys, "key")).toBe(
      ["| key | meaning |", "|---|---|", "| `server.port` | The port. Default: `80` |", "| `logs` | A place |"].join(
        "\n",
      ),
    );
  });
});
