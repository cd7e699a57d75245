import { awsWeathers } from "@stackyard/aws-sim";
import type { Moment, Weather } from "@stackyard/core/testing";
import { toState } from "./adopt-yard.ts";
import { terraformWeathers } from "./terraform-weathers.ts";

const isOld = ({ operation, input }: Moment) =>
  operation === "Backend.GET" || (operation === "S3.GetObject" && String(Object(input).Key).endsWith(".tfstate"));
const isHttp = ({ operation }: Moment) => /^(Backend|Yard)\./.test(operation);
const toPlace = ({ Bucket, Key }: Readonly<Record<string, unknown>>) => ({ Bucket, Key, Body: toState(2) });

/** What a workflow that still works does: it writes the next state. */
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

/** The weathers of an old backend, and of the yard's own server. */
export const adoptWeathers: readonly Weather[] = [
  ...awsWeathers.map(
    (weather): Weather => ({
      ...weather,
      fits: (moment, answer) => !isHttp(moment) && weather.fits(moment, answer),
    }),
  ),
  ...terraformWeathers
    .filter(({ name }) => !awsWeathers.some((each) => each.name === name && !/^(reset|stale|cut)/.test(name)))
    .map(
      (weather): Weather => ({
        ...weather,
        name: /^(reset|stale|cut)/.test(weather.name) ? `${weather.name} over HTTP` : weather.name,
        fits: (moment, answer) => isHttp(moment) && weather.fits(moment, answer),
      }),
    ),
  ...written,
];
