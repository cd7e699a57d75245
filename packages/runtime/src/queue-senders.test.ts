import { describe, expect, it } from "vitest";
import { createSenderFinder, findQueueSenderFaults, parseQueueSenders } from "./queue-senders.ts";

const entries = [
  { id: "AROAEXAMPLE:*", groups: ["release-managers", "ops"] },
  { id: "AROAEXAMPLE:ada@example.org", groups: ["admins", "ops"] },
  { id: "AROAOTHER:deploy-*", groups: ["ci"] },
  { id: "AIDAEXAMPLE", groups: [] },
];
const find = createSenderFinder(parseQueueSenders(JSON.stringify(entries)));

describe("senders of a queue", () => {
  it("are found by their SenderId, named by their session, in the groups of all matching entries", () => {
    expect(find("AROAEXAMPLE:ada@example.org")).toEqual({
      kind: "aws",
      id: "AROAEXAMPLE:ada@example.org",
      name: "ada@example.org",
      groups: ["admins", "ops", "release-managers"],
    });
    expect(find("AROAEXAMPLE:bob")).toMatchObject({ name: "bob", groups: ["ops", "release-managers"] });
    expect(find("AROAOTHER:deploy-17")).toMatchObject({ name: "deploy-17", groups: ["ci"] });
    expect(find("AIDAEXAMPLE")).toEqual({ kind: "aws", id: "AIDAEXAMPLE", name: "AIDAEXAMPLE", groups: [] });
  });

  it.each(["AROAEXAMPLE", "AROAEXAMPLE2:ada", "aroaexample:ada", "AIDAEXAMPLE:ada", "AROAOTHER:deploy", "", "*"])(
    "are not found by %j",
    (id) => {
      expect(find(id)).toBeUndefined();
    },
  );

  it("are empty by default", () => {
    expect([findQueueSenderFaults(undefined), parseQueueSenders()]).toEqual([[], []]);
    expect(createSenderFinder([])("AROAEXAMPLE:ada")).toBeUndefined();
  });

  it("have no faults when they are valid", () => {
    expect(findQueueSenderFaults(JSON.stringify(entries))).toEqual([]);
  });

  it.each([
    ["[{", "QUEUE_SENDERS is not JSON. Set it to a JSON list such as "],
    ["{}", "QUEUE_SENDERS is not a list. Set it to a JSON list such as "],
    ["null", "QUEUE_SENDERS is not a list. Set it to a JSON list such as "],
    ["[5]", "QUEUE_SENDERS.0 must be object."],
    ['[{"id":"AROAEXAMPLE:*"}]', "QUEUE_SENDERS.0 must have required properties groups."],
    ['[{"id":5,"groups":[]}]', "QUEUE_SENDERS.0.id must be string."],
    ['[{"id":"AROAEXAMPLE:*","groups":"ops"}]', "QUEUE_SENDERS.0.groups must be array."],
    ['[{"id":"AROAEXAMPLE:*","groups":["ops",5]}]', "QUEUE_SENDERS.0.groups.1 must be string."],
    [
      '[{"id":"AIDAEXAMPLE","groups":[]},{"id":"AROAEXAMPLE:*","groups":[],"name":"hunter2"}]',
      "QUEUE_SENDERS.1.name is not known. Remove it.",
    ],
  ])("that are %s are refused, with the place", (text, fault) => {
    expect(findQueueSenderFaults(text)).toEqual([expect.stringContaining(fault)]);
    expect(findQueueSenderFaults(text).join()).not.toContain("hunter2");
  });

  it.each([
    "",
    "*",
    "AROA*",
    "AROAEXAMPLE:",
    "AROAEXAMPLE:**",
    "*:ada",
    "AROA…:*",
    "arn:aws:iam::111122223333:role/deployer",
  ])("have no id such as %j: a star stands only at the end of a session", (id) => {
    expect(findQueueSenderFaults(JSON.stringify([{ id, groups: ["ops"] }]))).toEqual([
      expect.stringContaining("QUEUE_SENDERS.0.id must be the id of a user such as"),
    ]);
  });
});
