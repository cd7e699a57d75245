import { describe, expect, it } from "vitest";
import { parseDiagnostic, saysLocked, saysStale } from "./failure.ts";
import { parseVersionText } from "./find-program.ts";
import { parseStreamMessage } from "./terraform-call.ts";

/** Lines as OpenTofu's documentation of `-json` shows them; `tofu.ui` in place of `terraform.ui`. */
const line = (more: object) => JSON.stringify({ "@level": "info", "@module": "tofu.ui", ...more });

describe("OpenTofu", () => {
  it("differs from Terraform in what `version` prints", () => {
    expect(parseVersionText("OpenTofu v1.10.0\non linux_amd64\n")).toEqual({ product: "opentofu", version: "1.10.0" });
    expect(parseVersionText("Terraform v1.11.4\non linux_amd64\n")).toEqual({
      product: "terraform",
      version: "1.11.4",
    });
    expect(parseVersionText("v1.2.3")).toEqual({ product: "", version: "" });
  });

  it("reports its progress as Terraform does", () => {
    const messages = [
      line({ "@message": "OpenTofu 1.10.0", type: "version", tofu: "1.10.0", ui: "1.2" }),
      line({ type: "planned_change", change: { resource: { addr: "aws_vpc.main" }, action: "create" } }),
      line({
        "@message": "Plan: 3 to add, 2 to change, 1 to destroy.",
        type: "change_summary",
        changes: { add: 3, change: 2, remove: 1, import: 0, forget: 9, operation: "plan" },
      }),
    ].map(parseStreamMessage);

    expect(messages).toEqual([
      { kind: "other", text: "OpenTofu 1.10.0" },
      { kind: "planned", address: "aws_vpc.main", action: "create", isManaged: true, provider: "" },
      {
        kind: "summary",
        counts: { add: 3, change: 2, remove: 1, import: 0 },
        operation: "plan",
        text: "Plan: 3 to add, 2 to change, 1 to destroy.",
      },
    ]);
  });

  it("says in Terraform's words that a plan is stale or a state locked", () => {
    const say = (summary: string) => parseDiagnostic({ severity: "error", summary });

    expect(saysStale(say("Saved plan is stale"))).toBe(true);
    expect(saysStale(say("Saved plan does not match the given state"))).toBe(true);
    expect(saysStale(say("Error acquiring the state lock"))).toBe(false);
    expect(saysLocked(say("Error acquiring the state lock"))).toBe(true);
  });
});
