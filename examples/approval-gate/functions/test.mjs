/** Tests an image. Here it only says so. */
export async function handler({ args }) {
  console.log(`${args.image} works.`);
  return {};
}
