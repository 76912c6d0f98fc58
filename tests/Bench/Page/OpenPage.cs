using System.Globalization;
using KubeBpfBox.Support;

namespace KubeBpfBox.Bench.Page;

/// <summary>A real Chromium with a page of the agent open.</summary>
internal static class OpenPage
{
    private const string Watcher = "tests/Ui/build/watch.js";

    /// <summary>Looks whether there is what it takes.</summary>
    /// <exception cref="InvalidOperationException">There is not; the message says what to do.</exception>
    public static void Require()
    {
        if (!File.Exists(Watcher))
        {
            throw new InvalidOperationException($"{Watcher} is not there: scripts/setup.sh ui && npm run build --prefix tests/Ui, and run this from the repository's root");
        }
    }

    /// <summary>Opens a page and waits until it has settled. After the seconds it writes what it went through, and ends; disposing of it closes it before.</summary>
    public static ChildProcess Start(Uri page, int seconds)
    {
        ChildProcess browser = ChildProcess.Start("node", Watcher, page.ToString(), seconds.ToString(CultureInfo.InvariantCulture));
        browser.WaitForText("watching", TimeSpan.FromSeconds(60));
        return browser;
    }
}
