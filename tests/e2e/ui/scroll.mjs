// SPDX-License-Identifier: Apache-2.0
// What it costs to scroll a table from end to end, in measures that a busy machine does not change
// much: CPU time of the page's main thread for each step of the scroll (not how long it took), and
// how many elements come into the document for each row that passes.
const steps = 100;

export async function costOfScrolling(page, box) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const cpuMilliseconds = async () =>
    1000 * (await session.send("Performance.getMetrics")).metrics.find((metric) => metric.name === "ThreadTime").value;

  await page.evaluate((selector) => {
    const area = document.querySelector(selector);
    window.scrolled = { area, elements: 0 };
    window.scrolled.watch = new MutationObserver((changes) => {
      for (const node of changes.flatMap((change) => [...change.addedNodes])) {
        if (node instanceof Element) window.scrolled.elements += 1 + node.querySelectorAll("*").length;
      }
    });
    window.scrolled.watch.observe(area, { childList: true, subtree: true });
    area.scrollTop = 0;
  }, box);
  const cpu = [];
  for (let i = 1; i <= steps; i += 1) {
    const before = await cpuMilliseconds();
    await page.evaluate(async (part) => {
      const { area } = window.scrolled;
      area.scrollTop = (area.scrollHeight - area.clientHeight) * part;
      // The frame of the scroll, the one in which the rows come, and what is to be drawn then.
      for (let frame = 0; frame < 3; frame += 1) await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    }, i / steps);
    cpu.push((await cpuMilliseconds()) - before);
  }
  const { elements, pixels } = await page.evaluate(() => {
    window.scrolled.watch.disconnect();
    return { elements: window.scrolled.elements, pixels: window.scrolled.area.scrollTop };
  });
  await session.detach();
  cpu.sort((a, b) => a - b);
  return { elements, pixels, longest: cpu.at(-1), usual: cpu[steps / 2], total: cpu.reduce((sum, step) => sum + step, 0) };
}
