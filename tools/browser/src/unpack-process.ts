import { join } from "node:path";
import { inflate } from "@sparticuz/chromium";

// Unpacks the archives in the folder of the first argument into the folder for temporary files.

const [, , archives = ""] = process.argv;
for (const name of ["chromium.br", "fonts.tar.br", "al2023.tar.br"]) await inflate(join(archives, name));
