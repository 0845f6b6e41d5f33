"""embed.py FILE NAME OUTPUT.c: a text file as a C string, `const char NAME[]`."""
import sys

source, name, target = sys.argv[1:4]
with open(source, encoding="utf-8") as file:
    text = file.read()
# Lists of characters, since a string literal may be too long for a C11 compiler.
codes = [str(byte if byte < 128 else byte - 256) for byte in text.encode()] + ["0"]
with open(target, "w", encoding="ascii") as file:
    file.write(f"extern const char {name}[];\nconst char {name}[] = {{\n")
    for at in range(0, len(codes), 24):
        file.write("    " + ", ".join(codes[at:at + 24]) + ",\n")
    file.write("};\n")
