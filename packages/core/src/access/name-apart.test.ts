import { expect, it } from "vitest";
import { nameApart, nameSender } from "./name-apart.ts";

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
