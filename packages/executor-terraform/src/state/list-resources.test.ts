import { describe, expect, it } from "vitest";
import type { ResourceChange } from "../plan/plan-document.ts";
import { parsePrices } from "../plan/prices.ts";
import { listResources } from "./list-resources.ts";

function aChange(address: string, actions: readonly string[], more: Partial<ResourceChange> = {}): ResourceChange {
  const [type = "", name = ""] = address.split(".");
  const facts = { provider: "aws", unknown: {}, isImport: false, changedAttributes: [] };
  const before = actions.includes("create") && actions.length === 1 ? null : { size: 1 };
  const after = actions.includes("delete") && actions.length === 1 ? null : { size: 2 };
  return { address, type, name, actions, before, after, ...facts, ...more };
}

const prices = parsePrices("prices.yaml", 'asOf: 2026-01-31\nprices: { aws_db: "resource.after.size * 0.1" }\n');

describe("listResources", () => {
  it("lists what is lost first, with what each resource costs more or less where both prices are known", () => {
    const changes = [
      aChange("aws_db.new", ["create"]),
      aChange("aws_queue.a", ["create"]),
      aChange("aws_db.same", ["no-op"]),
      aChange("aws_db.larger", ["update"]),
      aChange("aws_db.old", ["delete"]),
      aChange("aws_db.other", ["delete", "create"]),
      aChange("aws_db.kept", ["forget"]),
      aChange("aws_db.moved", ["no-op"], { previousAddress: "aws_db.before" }),
    ];

    expect(listResources(changes, prices).split("\n")).toEqual([
      "destroys aws_db.old -73.00",
      "replaces aws_db.other 73.00",
      "forgets aws_db.kept",
      "changes aws_db.larger 73.00",
      "adds aws_db.new 146.00",
      "adds aws_queue.a",
      "moves aws_db.moved 73.00",
    ]);
    expect(listResources(changes.slice(0, 1), undefined)).toBe("adds aws_db.new");
  });

  it("has at most 16 KiB, says how many are missing, and never lacks what is destroyed (cds-snc/terraform-plan#112)", () => {
    const many = Array.from({ length: 2_000 }, (_, n) => aChange(`aws_queue.q${n}`, ["create"]));

    const text = listResources([...many, aChange("aws_db.main", ["delete"])], undefined);

    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(16 * 1024 + 20);
    expect(text).toMatch(/^destroys aws_db\.main\n[\s\S]*\nmore \d+$/);
  });
});
