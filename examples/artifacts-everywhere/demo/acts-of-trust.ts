import { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { type Act, findBroken } from "./act.ts";
import { findSide } from "./consumer-side.ts";
import { CONSUMERS, NEWCOMER, STRANGER } from "./places.ts";
import {
  findCell,
  formatTime,
  isThere,
  listCurrent,
  MINUTE_MS,
  passMinutes,
  publishVersion,
  waitUntilCovered,
} from "./publish.ts";
import type { World } from "./world.ts";

const VERSION = { name: "billing-api", version: "1.2.0" };

/** A consumer that is down for a while, and a receipt in its name. */
export const forgery: Act = {
  name: "forged",
  title:
    "frankfurt is down. A forged message from virginia claims that it has everything, and so does an untrusted account.",
  async run(world) {
    const frankfurt = findSide(world, CONSUMERS.frankfurt);
    frankfurt.isDown = true;
    await publishVersion(world, VERSION, [{ path: "app.zip", body: Buffer.alloc(10_000, "1.2.0") }]);
    await passMinutes(world, 2);
    const fromVirginia = await claim(world, CONSUMERS.virginia.account);
    const fromStranger = await claim(world, STRANGER.account);
    await passMinutes(world, 1);
    const cell = await findCell(world, VERSION, CONSUMERS.frankfurt);
    frankfurt.isDown = false;
    const { isCovered, told } = await waitUntilCovered(world, VERSION);
    return {
      told: [`The matrix still showed "${cell?.status}". The queue had kept the message: ${told}`],
      faults: findBroken({
        "the bus took the event of an account that is trusted": fromVirginia === undefined,
        "the bus refused the stranger's": fromStranger === "AccessDeniedException",
        "the claim changed nothing": cell !== undefined && !isThere(cell),
        "it is everywhere at the end": isCovered,
      }),
    };
  },
};

/** An account that comes later. */
export const arrival: Act = {
  name: "arrived",
  title: "A new account installs its consumer, saopaulo. No publisher and no operator does anything.",
  async run(world) {
    const beganAt = world.yard.clock.now();
    const wanted = (await listCurrent(world)).length;
    const side = await world.install(NEWCOMER);
    const stand = async (): Promise<number> => {
      const { rows } = await world.distributor.call({ op: "coverage" });
      const cells = rows.flatMap((row) => row.cells).filter(({ account }) => account === NEWCOMER.account);
      return cells.filter(isThere).length;
    };
    const { distributor } = world;
    await world.passUntil(async () => (await stand()) >= wanted, 60 * MINUTE_MS);
    const found = await stand();
    const answered = distributor.receipts.some(({ account, detail }) => {
      return account === NEWCOMER.account && detail["code"] === "PROBE";
    });
    const took = formatTime(world.yard.clock.now() - beganAt);
    return {
      told: [`It answered the probe, and ${found} of ${wanted} current versions are in ${side.bucket} ${took}.`],
      faults: findBroken({
        "it answered the probe": answered,
        "everything is there": found === wanted && wanted > 0,
      }),
    };
  },
};

/** Sends a receipt in the name of frankfurt. Returns the code with which the bus rejected it. */
async function claim(world: World, account: string): Promise<string | undefined> {
  const detail = {
    v: 1,
    distributionId: "00000000-0000-4000-8000-000000000000",
    messageId: "forged",
    artifact: { ...VERSION, key: "billing-api/1.2.0/app.zip" },
    account: CONSUMERS.frankfurt.account,
    region: CONSUMERS.frankfurt.region,
    bucket: findSide(world, CONSUMERS.frankfurt).bucket,
    status: "stored",
    code: null,
    verified: true,
    sourceSha256: null,
    storedSha256: null,
    size: 10_000,
    versionId: null,
    attempt: 1,
    at: new Date(world.yard.clock.now()).toISOString(),
    durationMs: 1,
  };
  const { home } = world.clientsOf({ account, region: "eu-west-1" });
  const Detail = JSON.stringify(detail);
  const EventBusName = world.distributor.receiptBus;
  const entry = { EventBusName, Source: "stackyard.consumer", DetailType: "artifact.receipt", Detail };
  const { Entries = [] } = await home.events.send(new PutEventsCommand({ Entries: [entry] }));
  return Entries[0]?.ErrorCode;
}
