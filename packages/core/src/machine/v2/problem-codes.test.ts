import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";

const folder = new URL("../../../fixtures/machines/", import.meta.url);

// All codes that only version 2 has, or for which it has rules of its own.
const ERRORS = `duplicate-mapping-key limit-exceeded revision-unknown description-not-string event-not-map
  event-unknown-key event-metadata-not-list metadata-not-map metadata-unknown-key metadata-type-unknown flag-not-boolean
  pattern-invalid pattern-not-linear constraint-not-applicable range-empty enum-invalid default-invalid metadata-undeclared target-not-map
  target-unknown-key target-value-not-string target-account-invalid target-undefined state-task-duplicate leaving-unknown
  protected-not-boolean duration-invalid after-not-list after-not-map after-unknown-key after-in-required
  after-event-required after-event-undeclared after-event-not-handled after-event-needs-metadata handler-empty
  action-required when-not-string set-not-map set-value-not-scalar sensitive-leak executor-required needs-not-list
  needs-undefined needs-duplicate needs-not-in-state needs-cycle retry-not-map retry-unknown-key retry-attempts-invalid
  retry-only-invalid backoff-not-map backoff-unknown-key backoff-factor-invalid outputs-not-map output-name-not-string
  exclusive-not-string expression-syntax expression-unterminated expression-unknown-name
  expression-variable-unavailable expression-task-not-available`.split(/\s+/);

const WARNINGS = ["reaction-unreachable", "protected-left-automatically"];

describe("the fixtures of version 2", () => {
  it("show every code of an error", () => {
    expect(ERRORS.filter((code) => !existsSync(new URL(`invalid-v2/${code}.yaml`, folder)))).toEqual([]);
  });

  it("show every code of a warning", () => {
    expect(WARNINGS.filter((code) => !existsSync(new URL(`valid-v2/warns-${code}.yaml`, folder)))).toEqual([]);
  });
});
