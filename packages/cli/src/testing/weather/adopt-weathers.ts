import { awsWeathers } from "@stackyard/aws-sim";
import { commonWeathers, type Moment, type Weather } from "@stackyard/core/testing";
import { terraformWeathers } from "@stackyard/tf-sim";
import { toState } from "./adopt-yard.ts";

const isOld = ({ operation, input }: Moment) =>
  operation === "Backend.GET" || (operation === "S3.GetObject" && String(Object(input).Key).endsWith(".tfstate"));
const toPlace = ({ Bucket, Key = "shop" }: Readonly<Record<string, unknown>>) => {
  return { Bucket, Key, Body: toState(2, `of-${String(Key).replace(".tfstate", "")}`) };
};

/** The next state, written by a workflow that still works. */
const written: readonly Weather[] = (["before", "after"] as const).map((when) => ({
  name: `written ${when}`,
  source: 'carina-rs/carina#2834: "causing migration to publish a stale snapshot"',
  fits: isOld,
  async meet({ input }, proceed, world) {
    if (when === "before") await world.act("S3.PutObject", toPlace(Object(input)));
    const answer = await proceed();
    if (when === "after") await world.act("S3.PutObject", toPlace(Object(input)));
    return answer;
  },
}));

/** The weathers of an old backend, and of the yard's own server. Both lists have the common ones. */
export const adoptWeathers: readonly Weather[] = [
  ...awsWeathers,
  ...terraformWeathers.filter(({ name }) => !commonWeathers.some((common) => common.name === name)),
  ...written,
];
