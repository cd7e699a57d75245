import { describe, expect, it } from "vitest";
import { findPlace, withoutPlace } from "./find-place.ts";

describe("findPlace", () => {
  it.each([
    ["│   on modules/db/main.tf line 17, in resource", "modules/db/main.tf", 17],
    ['  File "app/main.py", line 4, in <module>', "app/main.py", 4],
    ["    at make (db.mjs:12:5)", "db.mjs", 12],
    ["migrations/0042_lines.sql:17: relation exists", "migrations/0042_lines.sql", 17],
    ["src/App.cs(31,9): error CS0103", "src/App.cs", 31],
  ])("reads %s", (text, file, line) => {
    expect(findPlace(text)).toEqual({ file, line });
  });

  it.each(["connect to db.example.org:443", "https://x.example.org/a.js:7", "took 3:17", "web:2", ""])(
    "finds none in %s",
    (text) => {
      expect(findPlace(text)).toBeUndefined();
    },
  );

  it("passes over frames of libraries, before and without one of the own files", () => {
    const library = "    at run (node_modules/pg/client.js:7:1)";

    expect(findPlace(library)).toBeUndefined();
    expect(findPlace(`${library}\n    at make (src/db.js:12:5)`)).toEqual({ file: "src/db.js", line: 12 });
  });

  it("ends on a long text without a place", () => {
    expect(findPlace("a/".repeat(500_000))).toBeUndefined();
  });
});

describe("withoutPlace", () => {
  it("leaves out a line that only repeats the place", () => {
    expect(withoutPlace('relation "x" exists\n    at migrations/0042.sql:17')).toBe('relation "x" exists');
    expect(withoutPlace("broken\n  in src/db.js:12:5\nbye")).toBe("broken\nbye");
  });

  it.each([
    "migrations/0042.sql:17",
    "broken\n    at make (src/db.js:12:5)",
    "broken\n  at src/a.js:1\n  at node_modules/pg/client.js:7",
    "no place\nat all",
    "",
  ])("keeps what says more, and the first line: %j", (text) => {
    expect(withoutPlace(text).split("\n").length).toBe(text.includes("src/a.js") ? 2 : text.split("\n").length);
  });
});
