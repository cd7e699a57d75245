import { describe, expect, it } from "vitest";
import { PRESETS } from "../presets.ts";
import type { ReleaseState } from "../release-state.ts";
import { aRelease, aState } from "../testing/builders.ts";
import { parseWire, toWire } from "./releases.ts";

const constants = PRESETS.odin;
const error = (name: string) => ({ Error: name, Cause: `{"errorMessage":"${name}"}` });

/** As Step Functions hands it on. */
function handOn(state: ReleaseState, change: Readonly<Record<string, unknown>> = {}): ReleaseState {
  const wire = { ...toWire({ release: aRelease(), state }), ...change };
  return parseWire(JSON.parse(JSON.stringify(wire)), constants).state;
}

const service = {
  healthy: true,
  stable: 2,
  created_asg: "group",
  previous_desired_capacity: 3,
  terminated: ["i-1"],
  causes: ["no room"],
  step: { index: 1, healthySince: 5 },
};

describe("the state between two states of the machine", () => {
  it("comes back as it was", () => {
    const state = aState({
      services: { web: service },
      healthy: true,
      wait_for_detach: 30,
      previous_release_id: "release-1",
    });

    expect(parseWire(JSON.parse(JSON.stringify(toWire({ release: aRelease(), state }))), constants)).toEqual({
      release: aRelease(),
      state,
    });
  });

  it("has the predecessor's names", () => {
    const wire = toWire({ release: aRelease(), state: aState({ services: { web: service } }) });

    expect(wire).toMatchObject({
      release_id: "release-2",
      uuid: aState().uuid,
      started_at: aState().started_at,
      wait_for_healthy: 15,
      services: {
        web: { instance_type: "t3.micro", created_asg: "group", previous_desired_capacity: 3, Healthy: true },
      },
    });
  });

  it("keeps the first error when a later one was written over it", () => {
    const first = handOn(aState(), { error: error("HealthError") });
    const second = handOn(first, { error: error("DetachError") });
    const third = handOn(second, { error: error("CleanUpError") });

    expect(third).toMatchObject({
      error: error("HealthError"),
      later_errors: [error("DetachError"), error("CleanUpError")],
    });
    expect(handOn(third)).toEqual(third);
  });

  it("is read as the predecessor has written it, with our defaults", () => {
    const wire = {
      aws_account_id: "1",
      aws_region: "eu-west-1",
      uuid: "u",
      release_id: "r",
      project_name: "p",
      config_name: "c",
      bucket: "b",
      created_at: "2020-01-01T00:00:00Z",
      started_at: "2020-01-01T00:00:01Z",
      timeout: 600,
      ami: "a",
      subnets: ["s"],
      user_data_sha256: "0".repeat(64),
      healthy: false,
      wait_for_healthy: 15,
      wait_for_detach: 0,
      services: { web: { instance_type: "t2.micro", security_groups: ["g"], created_asg: "group", Healthy: false } },
    };

    const { release, state } = parseWire(wire, constants);

    expect(release).toMatchObject({ drain_timeout: 600, stable_polls: 1, services: { web: { service_name: "web" } } });
    expect(state).toMatchObject({ uuid: "u", services: { web: { created_asg: "group", healthy: false, stable: 0 } } });
  });

  it.each([null, undefined])("has empty lists of resources where the predecessor has written %s", (nothing) => {
    const resources = { image: "ami-1", profile_arn: nothing, subnets: ["subnet-1"], elbs: nothing };
    const wire = { ...toWire({ release: aRelease(), state: aState() }), services: { web: { resources } } };

    expect(parseWire(JSON.parse(JSON.stringify(wire)), constants).state.services["web"]?.resources).toEqual({
      image: "ami-1",
      subnets: ["subnet-1"],
      security_groups: [],
      elbs: [],
      target_group_arns: [],
    });
  });

  it.each([[undefined], ["text"], [[]], [{}], [{ services: [] }], [{ services: { web: 1 } }], [{ services: {} }]])(
    "is refused as unreadable: %j",
    (value) => {
      expect(() => parseWire(value, constants)).toThrow(expect.objectContaining({ errorClass: "UnmarshalError" }));
    },
  );
});
