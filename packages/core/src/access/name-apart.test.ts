import { expect, it } from "vitest";
import { nameAll, nameApart, nameBy, nameSender } from "./name-apart.ts";

const ada = { id: "p1", name: "ada@example.org" };
const other = { id: "p2", name: "ada@example.org" };
const ben = { id: "p3", name: "ben" };

it("names a person, with the id only where another person of the list has the same name (grafana#17635)", () => {
  const people = [ada, ben, other, ada];

  expect(people.map((person) => nameApart(person, people))).toEqual([
    "ada@example.org (p1)",
    "ben",
    "ada@example.org (p2)",
    "ada@example.org (p1)",
  ]);
  expect(nameApart(ada, [ada, ben, ada])).toBe("ada@example.org");
});

it("names who sent an event, with the id only where another person of the lines has the same name", () => {
  const lines = [
    { actor: "ada@example.org", actorId: "p1" },
    { actor: "ben", actorId: "p3" },
    { actor: "ada@example.org", actorId: "p2" },
    { actor: "ci" },
    {},
  ];

  expect(lines.map((line) => nameSender(line, lines))).toEqual([
    "ada@example.org (p1)",
    "ben",
    "ada@example.org (p2)",
    "ci",
    undefined,
  ]);
});

it("names who did something, with the id where another one of the lines has the same name", () => {
  const lines = [
    { by: "ada", byId: "p1" },
    { by: "ada", byId: "p2" },
    { by: "pr-1/1/apply/1" },
    { by: "ben", byId: "p3" },
  ];

  expect(lines.map((line) => nameBy(line, lines))).toEqual(["ada (p1)", "ada (p2)", "pr-1/1/apply/1", "ben"]);
  expect(nameAll([{ name: "ada", id: "p1" }, { name: "ada" }, { name: "ben" }])).toBe("ada (p1), ada, ben");
});
