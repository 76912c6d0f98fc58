using KubeBpfBox.Agent.Commands;

return CommandLine.Run(args);
