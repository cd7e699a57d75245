import { toShellCommand } from "@stackyard/core";
import { describe, expect, it } from "vitest";
import { toActor, toPlaceDefaults, toPlaceFlags } from "./place.ts";

describe("toActor", () => {
  it.each([
    [{ STACKYARD_ACTOR: "pipeline", USER: "ann" }, "pipeline"],
    [{ STACKYARD_ACTOR: "", USER: "ann" }, "ann"],
    [{ USER: "", LOGNAME: "" }, "unknown"],
  ])("of %j is %s", (environment, actor) => {
    expect(toActor({ environment })).toBe(actor);
  });
});

describe("toPlaceFlags", () => {
  it("returns words that a shell reads as they were given", () => {
    const flags = toPlaceFlags({ deployer: "$(id)", bucket: "a b", region: "eu-west-1" });
    expect(toShellCommand`stackyard asg halt ${"run"} ${flags}`).toBe(
      "stackyard asg halt run --deployer '$(id)' --bucket 'a b' --region eu-west-1",
    );
  });
});

describe("toPlaceDefaults", () => {
  it.each([
    [
      { AWS_ACCOUNT_ID: "111122223333", AWS_REGION: "eu-west-1" },
      { account: "111122223333", region: "eu-west-1" },
    ],
    [{ AWS_REGION: "", AWS_DEFAULT_REGION: "eu-west-2" }, { region: "eu-west-2" }],
    [{}, {}],
  ])("of %j are %j", (environment, place) => {
    expect(toPlaceDefaults({ environment }, {})).toEqual(place);
  });

  it("are those of the deployer's ARN where nothing else is said", () => {
    const deployer = "arn:aws:states:eu-west-1:999900001111:stateMachine:coinbase-odin";

    expect(toPlaceDefaults({ environment: {} }, { deployer })).toEqual({
      account: "999900001111",
      region: "eu-west-1",
    });
  });
});
