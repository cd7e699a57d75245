// One process of a contender: adds jobs or works them, as the parent asks by messages.
import pg from "pg";
import { ENGINE_IDS, loadEngine } from "./engines/engines.ts";
import { createContenderCalls } from "./side-by-side/contender-calls.ts";
import { loadContender } from "./side-by-side/contenders.ts";
import { serveCalls } from "./side-by-side/process-calls.ts";

const [id = "", url = "", postgresPid = ""] = process.argv.slice(2);
const contender = await (ENGINE_IDS.includes(id) ? loadEngine(id) : loadContender(id));
const watcher = new pg.Pool({ connectionString: url, max: 1 });
serveCalls(createContenderCalls({ contender, url, watcher, postgresPid: Number(postgresPid) }));
